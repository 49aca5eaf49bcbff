#include "ep/inspection.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "ep/energy.h"
#include "ep/loss.h"

namespace peakbench::ep {

namespace {

// How far above its own rounding a gradient must be for its relative error to be told, and how far
// above the float64 reference's: far enough for the reference not to be what is seen.
constexpr double kResolvable = 1e3, kBeyondReference = 1e6, kBeyondItself = 1e10;

Layer widen(const Layer& layer) {
  return {layer.weight.to(at::kDouble), layer.bias.to(at::kDouble)};
}

class Collector : public GradientSink {
public:
  explicit Collector(std::int64_t depth) : gradients_(static_cast<std::size_t>(depth)) {}
  void accept(std::int64_t layer, const at::Tensor& weight, const at::Tensor& bias) override {
    gradients_[static_cast<std::size_t>(layer)] = {weight, bias};
  }
  // Undefined tensors where no gradient was handed over.
  const std::vector<Layer>& gradients() const { return gradients_; }

private:
  std::vector<Layer> gradients_;
};

class EnergyTrace : public Observer {
public:
  void after_step(double beta, std::int64_t, const SettlingView& view) override {
    if (beta != 0)
      energy.push_back(view.energy());
  }
  std::vector<double> energy;
};

double norm_of(const Layer& layer) {
  if (!layer.weight.defined())
    return 0;
  const auto square = [](const at::Tensor& tensor) {
    return tensor.to(at::kDouble).square().sum().item<double>();
  };
  return std::sqrt(square(layer.weight) + square(layer.bias));
}

double distance(const Layer& layer, const Layer& reference) {
  const auto square = [](const at::Tensor& a, const at::Tensor& b) {
    return (a.to(at::kDouble) - b).square().sum().item<double>();
  };
  return std::sqrt(square(layer.weight, reference.weight) + square(layer.bias, reference.bias));
}

double epsilon(at::ScalarType dtype) {
  return dtype == at::kFloat ? std::numeric_limits<float>::epsilon()
                             : std::numeric_limits<double>::epsilon();
}

double smallest(at::ScalarType dtype) {
  return dtype == at::kFloat ? std::numeric_limits<float>::min()
                             : std::numeric_limits<double>::min();
}

} // namespace

// EP moves the last T layers only (ep.md, fact 2), so autograd runs on the network's end, fed with
// the activation that enters it: the same gradients as over all layers at a T-th of the price.
Reference reference_gradients(const Problem& problem) {
  const Settings& settings = problem.settings;
  const bool settles = is_equilibrium_propagation(settings.arm);
  const std::int64_t first =
      settles ? std::clamp<std::int64_t>(first_settling_layer(settings) - 1, 0, settings.depth - 2)
              : 0;
  Batch batch{problem.batch.input.to(at::kDouble), problem.batch.labels,
              problem.batch.target.to(at::kDouble)};
  for (std::int64_t i = 0; i < first; ++i)
    batch.input = predict(widen(problem.network.layer(i)), batch.input).relu_();
  Network network;
  for (std::int64_t i = first; i < settings.depth; ++i)
    network.layers.push_back(widen(problem.network.layer(i)));

  Settings wide = settings;
  wide.arm = settles ? Arm::ep_autograd : Arm::backprop;
  wide.depth = network.depth();
  wide.dtype = at::kDouble;
  Collector collector(wide.depth);
  run_arm({wide, network, batch, nullptr, problem.deadline}, collector);

  Reference reference{{first, collector.gradients()}, {}};
  // Rounding of states on the way to a gradient, relative to the states. The reference holds states
  // itself: its float64 loses the signal too, only deeper than float32.
  const bool single = settings.dtype == at::kFloat;
  const double reference_rounding =
      epsilon(at::kDouble) * (single ? kBeyondReference : kBeyondItself);
  const double own_rounding =
      single && settings.arm != Arm::ep_fused ? epsilon(at::kFloat) * kResolvable : 0;
  at::Tensor activation = batch.input;
  for (const Layer& layer : network.layers) {
    const at::Tensor state = predict(layer, activation);
    const double size = state.norm().item<double>() * activation.norm().item<double>() /
                        (settings.beta * static_cast<double>(settings.batch));
    const double underflow = kResolvable * smallest(settings.dtype) / epsilon(settings.dtype);
    reference.resolution.push_back(
        settles ? std::max(underflow, size * std::max(reference_rounding, own_rounding))
                : underflow);
    activation = activate(state);
  }
  return reference;
}

void compare(const std::vector<Layer>& gradients, const Reference& reference, Inspection& result) {
  const auto first = static_cast<std::size_t>(reference.gradients.first);
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const Layer& gradient = gradients[i];
    result.gradient_norm.push_back(norm_of(gradient));
    if (result.gradient_norm.back() == 0)
      continue;
    ++result.reach;
    if (i < first)
      continue; // beyond the cone: shows in reach
    const std::size_t at = i - first;
    const Layer& expected = reference.gradients.gradients[at];
    const double expected_norm = norm_of(expected);
    if (expected_norm < reference.resolution[at])
      continue;
    ++result.resolved;
    result.gradient_error =
        std::max(result.gradient_error, distance(gradient, expected) / expected_norm);
  }
}

Inspection inspect_step(const Settings& settings, const Network& network, const Batch& batch,
                        const Deadline& deadline) {
  EnergyTrace trace;
  Collector collector(settings.depth);
  const Problem problem{settings, network, batch, &trace, deadline};
  run_arm(problem, collector);
  const Reference reference = reference_gradients(problem);

  Inspection result;
  result.energy = std::move(trace.energy);
  at::Tensor output = batch.input;
  for (std::int64_t i = 0; i < network.depth(); ++i)
    output = predict(network.layer(i), i == 0 ? output : activate(output));
  result.loss = mean_loss(settings, batch, output).item<double>();
  compare(collector.gradients(), reference, result);
  return result;
}

} // namespace peakbench::ep
