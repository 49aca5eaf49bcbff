#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "base/error.h"
#include "ep/analysis.h"
#include "ep/arms.h"
#include "ep/contrast.h"
#include "ep/energy.h"
#include "ep/inspection.h"
#include "ep/loss.h"
#include "ep/optimizer.h"
#include "ep/random.h"
#include "ep/settling.h"

namespace peakbench::ep {

namespace {

constexpr double kNoise = 0.5;             // standard deviation, of the size of the states
constexpr std::uint32_t kNoiseStream = 77; // of the seed; weights and batch have others

using Run = std::function<void(const Problem&, GradientSink&)>;

// The phases of a step, by their beta.
struct Recorded {
  std::vector<double> energies;   // before the first step and after every step
  std::vector<at::Tensor> states; // settled; undefined where the arm holds none
};
using RecordedPhases = std::map<double, Recorded>;

class PhaseRecorder : public Observer {
public:
  explicit PhaseRecorder(std::int64_t depth) : depth_(depth) {}
  void after_step(double beta, std::int64_t, const SettlingView& view) override {
    Recorded& phase = phases[beta];
    phase.energies.push_back(view.energy());
    phase.states.clear();
    for (std::int64_t i = 0; i < depth_; ++i) {
      const at::Tensor state = view.state(i);
      phase.states.push_back(state.defined() ? state.clone() : state);
    }
  }
  RecordedPhases phases;

private:
  std::int64_t depth_;
};

// All gradients of a step; undefined where a layer got none.
class CollectedGradients : public GradientSink {
public:
  explicit CollectedGradients(std::int64_t depth) : gradients_(static_cast<std::size_t>(depth)) {}
  void accept(std::int64_t layer, const at::Tensor& weight, const at::Tensor& bias) override {
    gradients_[static_cast<std::size_t>(layer)] = {weight.clone(), bias.clone()};
  }
  const std::vector<Layer>& gradients() const { return gradients_; }
  // Keeps back what is rounding, as where the nudge did not reach: Muon would make a step of full
  // size of it.
  void hand_without_rounding_to(GradientSink& sink) const {
    std::vector<double> norms;
    for (const Layer& layer : gradients_)
      norms.push_back(layer.weight.defined() ? layer.weight.norm().item<double>() : 0);
    const double least = kRounding * *std::ranges::max_element(norms);
    for (std::size_t i = 0; i < gradients_.size(); ++i)
      if (norms[i] > least)
        sink.accept(static_cast<std::int64_t>(i), gradients_[i].weight, gradients_[i].bias);
  }

private:
  static constexpr double kRounding = 1e-6; // of the greatest layer's
  std::vector<Layer> gradients_;
};

struct Observed {
  RecordedPhases phases;      // of the first training step
  std::vector<double> losses; // after each training step
};

// kComparedSteps training steps on a copy of the network.
Observed observe(const Settings& settings, const Network& original, const Batch& batch,
                 const std::vector<at::Tensor>* start, const Deadline& deadline, const Run& run) {
  Network network;
  for (const Layer& layer : original.layers)
    network.layers.push_back({layer.weight.clone(), layer.bias.clone()});
  WeightOptimizer optimizer(settings, network);
  PhaseRecorder recorder(settings.depth);
  Observed result;
  for (int i = 0; i < kComparedSteps; ++i) {
    Problem problem{settings, network, batch, i == 0 ? &recorder : nullptr, deadline};
    problem.start = start;
    CollectedGradients sink(settings.depth);
    run(problem, sink);
    sink.hand_without_rounding_to(optimizer);
    const at::Tensor output = forward_states(network, batch.input).back();
    result.losses.push_back(mean_loss(settings, batch, output).item<double>());
  }
  result.phases = std::move(recorder.phases);
  return result;
}

// NaN (an overflow on either side) is as far as can be.
void widen(double& greatest, double difference) {
  const double far = std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
  greatest = std::isnan(greatest) ? far : std::max(greatest, far);
}

Differences between(const Observed& arm, const Observed& reference) {
  Differences result;
  for (const auto& [beta, phase] : arm.phases) {
    const auto found = reference.phases.find(beta);
    if (found == reference.phases.end())
      continue;
    const Recorded& expected = found->second;
    const std::size_t steps = std::min(phase.energies.size(), expected.energies.size());
    for (std::size_t t = 0; t < steps; ++t)
      widen(result.energy, std::abs(phase.energies[t] - expected.energies[t]));
    for (std::size_t i = 0; i < phase.states.size(); ++i)
      if (phase.states[i].defined() && expected.states[i].defined())
        widen(result.state, (phase.states[i] - expected.states[i]).abs().max().item<double>());
  }
  for (std::size_t i = 0; i < arm.losses.size(); ++i)
    widen(result.loss, std::abs(arm.losses[i] - reference.losses[i]));
  return result;
}

// The published step: the force of a hidden layer is its own residual alone.
void published_step(const Problem& problem, PlainStates& now, double beta) {
  const OutputLayer output(problem.settings);
  for (std::size_t i = now.states.size(); i-- > 0;) {
    const at::Tensor prediction = predict(
        problem.network.layers[i], i == 0 ? problem.batch.input : activate(now.states[i - 1]));
    at::Tensor force = i + 1 == now.states.size()
                           ? output.force(now.states[i], prediction, problem.batch.target, beta)
                           : now.states[i] - prediction;
    apply_force(problem.settings, now, i, std::move(force));
  }
}

void published(const Problem& problem, GradientSink& sink) {
  const Phases phases = settle_phases(
      problem, [&](PlainStates& now, double beta) { published_step(problem, now, beta); });
  contrast(problem, phases).hand_to(sink);
}

bool starts_anywhere(Arm arm) {
  switch (arm) {
  case Arm::ep_manual:
  case Arm::ep_finite_difference:
  case Arm::ep_analytic:
  case Arm::ep_checkpoint:
  case Arm::ep_batched:
    return true;
  default:
    return false;
  }
}

} // namespace

bool comparable_with_autograd(Arm arm) { return starts_anywhere(arm) || arm == Arm::ep_fused; }

Comparison compare_with_autograd(const Settings& settings, c10::Device device,
                                 const Deadline& deadline) {
  Settings wide = settings;
  wide.dtype = at::kDouble;
  wide.tolerance = 0;
  wide.adaptive = false;
  validate(wide);
  const c10::NoGradGuard no_recording;
  const Network network = draw_network(wide, device);
  const Batch batch = draw_batch(wide, device);
  std::vector<at::Tensor> noisy;
  if (starts_anywhere(wide.arm)) {
    noisy = forward_states(network, batch.input);
    for (std::size_t i = 0; i < noisy.size(); ++i) {
      const at::Tensor noise = at::empty_like(noisy[i]);
      fill_normal(noise, kNoise, {wide.seed, kNoiseStream, static_cast<std::uint32_t>(i)});
      noisy[i].add_(noise);
    }
  }
  const auto observed = [&](Arm arm, const Run& run) {
    Settings chosen = wide;
    chosen.arm = arm;
    return observe(chosen, network, batch, noisy.empty() ? nullptr : &noisy, deadline, run);
  };
  const Observed reference = observed(Arm::ep_autograd, run_arm);
  Comparison result;
  result.arm = between(observed(wide.arm, run_arm), reference);
  try {
    result.published = between(observed(Arm::ep_autograd, published), reference);
  } catch (const Diverged&) { // no way to be further apart
    result.published.energy = result.published.state = result.published.loss =
        std::numeric_limits<double>::infinity();
  }
  return result;
}

double distance_to_backprop(const Settings& settings, c10::Device device,
                            const Deadline& deadline) {
  Settings wide = settings;
  wide.dtype = at::kDouble;
  validate(wide);
  const c10::NoGradGuard no_recording;
  const Network network = draw_network(wide, device);
  const Batch batch = draw_batch(wide, device);
  const Problem problem{wide, network, batch, nullptr, deadline};
  CollectedGradients sink(wide.depth);
  run_arm(problem, sink);
  const std::vector<Layer> expected = backprop_gradients(problem);
  double greatest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Layer& own = sink.gradients()[i];
    if (!own.weight.defined())
      return std::numeric_limits<double>::infinity();
    widen(greatest, (own.weight - expected[i].weight).norm().item<double>() /
                        expected[i].weight.norm().item<double>());
  }
  return greatest;
}

} // namespace peakbench::ep
