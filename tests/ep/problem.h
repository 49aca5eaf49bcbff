// A small network with its batch, and what tests look at: collected gradients, recorded states.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <vector>

#include "ep/arms.h"

namespace peakbench::ep::testing {

inline Settings small_settings(std::int64_t depth = 5, at::ScalarType dtype = at::kDouble) {
  Settings settings;
  settings.depth = depth;
  settings.width = 12;
  settings.batch = 6;
  settings.input_width = 9;
  settings.classes = 4;
  settings.steps = 5;
  settings.dtype = dtype;
  settings.init = Init::he; // the signal reaches every layer
  settings.seed = 7;
  return settings;
}

struct Case {
  explicit Case(const Settings& chosen)
      : settings(chosen), network(draw_network(settings, at::kCPU)),
        batch(draw_batch(settings, at::kCPU)) {}
  Problem problem(Observer* observer = nullptr) const {
    return {settings, network, batch, observer, deadline};
  }

  Settings settings;
  Network network;
  Batch batch;
  Deadline deadline;
};

class Collected : public GradientSink {
public:
  explicit Collected(std::int64_t depth) : layers(static_cast<std::size_t>(depth)) {}
  void accept(std::int64_t layer, const at::Tensor& weight, const at::Tensor& bias) override {
    layers[static_cast<std::size_t>(layer)] = {weight.clone(), bias.clone()};
  }
  std::vector<Layer> layers;
};

inline std::vector<Layer> gradients_of(const Case& test, Arm arm) {
  Settings settings = test.settings;
  settings.arm = arm;
  Collected sink(settings.depth);
  run_arm({settings, test.network, test.batch, nullptr, test.deadline}, sink);
  return sink.layers;
}

// The same numbers in another type.
inline Case converted(const Case& from, at::ScalarType dtype) {
  Case result(from.settings);
  result.settings.dtype = dtype;
  for (std::size_t i = 0; i < result.network.layers.size(); ++i)
    result.network.layers[i] = {from.network.layers[i].weight.to(dtype),
                                from.network.layers[i].bias.to(dtype)};
  result.batch = {from.batch.input.to(dtype), from.batch.labels, from.batch.target.to(dtype)};
  return result;
}

inline double relative_distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a.to(at::kDouble) - b.to(at::kDouble)).norm() / b.to(at::kDouble).norm()).item<double>();
}

inline double relative_distance(const Layer& a, const Layer& b) {
  return std::max(relative_distance(a.weight, b.weight), relative_distance(a.bias, b.bias));
}

// |a - b| <= relative |b| + absolute, for weight and bias.
inline bool near(const Layer& a, const Layer& b, double relative, double absolute) {
  const auto close = [&](const at::Tensor& x, const at::Tensor& y) {
    return (x - y).norm().item<double>() <= relative * y.norm().item<double>() + absolute;
  };
  return close(a.weight, b.weight) && close(a.bias, b.bias);
}

inline bool is_zero(const Layer& layer) {
  return !layer.weight.defined() || (layer.weight.count_nonzero().item<std::int64_t>() == 0 &&
                                     layer.bias.count_nonzero().item<std::int64_t>() == 0);
}

inline std::int64_t reach_of(const std::vector<Layer>& gradients) {
  std::int64_t reach = 0;
  for (const Layer& layer : gradients)
    reach += is_zero(layer) ? 0 : 1;
  return reach;
}

// All states of a phase, after every step.
class StateRecorder : public Observer {
public:
  StateRecorder(std::int64_t depth, bool nudged) : depth_(depth), nudged_(nudged) {}
  void after_step(double beta, std::int64_t, const SettlingView& view) override {
    if ((beta != 0) != nudged_)
      return;
    std::vector<at::Tensor> states;
    for (std::int64_t i = 0; i < depth_; ++i) {
      const at::Tensor state = view.state(i);
      states.push_back(state.defined() ? state.clone() : state);
    }
    steps.push_back(states);
  }
  std::vector<std::vector<at::Tensor>> steps;

private:
  std::int64_t depth_;
  bool nudged_;
};

} // namespace peakbench::ep::testing
