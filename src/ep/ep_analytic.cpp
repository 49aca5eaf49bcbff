// EP with the exact gradients of ep.md: both phases over all layers, no graph.
#include <ATen/ATen.h>

#include "ep/arms.h"
#include "ep/energy.h"
#include "ep/settling.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

at::Tensor entering(const Problem& problem, const std::vector<at::Tensor>& states, std::size_t i) {
  return i == 0 ? problem.batch.input : activate(states[i - 1]);
}

// From the output down: layer i is moved once its own error and the one above are known, and no
// error below needs it any more, so that two errors are live and every gradient is one of the old
// states.
void step_down(const Problem& problem, PlainStates& now, double beta) {
  const OutputLayer output(problem.settings);
  const std::size_t last = now.states.size() - 1;
  at::Tensor error_above;
  for (std::size_t i = last + 1; i-- > 0;) {
    const at::Tensor& state = now.states[i];
    const at::Tensor prediction =
        predict(problem.network.layers[i], entering(problem, now.states, i));
    at::Tensor error, force;
    if (i == last) {
      error = output.error(state, prediction);
      force = output.force(state, prediction, problem.batch.target, beta);
    } else {
      error = state - prediction;
      force = at::sub(error, pull_back(error_above, problem.network.layers[i + 1].weight, state));
    }
    apply_force(problem.settings, now.states[i], now.velocities[i], std::move(force));
    error_above = std::move(error);
  }
}

} // namespace

void ep_analytic(const Problem& problem, GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::states);
  const auto step = [&](PlainStates& now, double beta) { step_down(problem, now, beta); };
  const std::vector<at::Tensor> free = settle(problem, 0, step);
  const std::vector<at::Tensor> nudged = settle(problem, problem.settings.beta, step);

  const StageScope stage(problem.stages, Stage::contrast);
  // (nudged - free) / beta of dE/dW = -e a / B and dE/db = -sum e / B.
  const double scale = 1 / (problem.settings.beta * static_cast<double>(problem.settings.batch));
  const OutputLayer output(problem.settings);
  const std::size_t last = free.size() - 1;
  GradientSet set;
  for (std::size_t i = 0; i <= last; ++i) {
    const Layer& layer = problem.network.layers[i];
    const auto error_of = [&](const std::vector<at::Tensor>& states, const at::Tensor& activation) {
      const at::Tensor prediction = predict(layer, activation);
      return i == last ? output.error(states[i], prediction) : states[i] - prediction;
    };
    const at::Tensor free_activation = entering(problem, free, i);
    const at::Tensor nudged_activation = entering(problem, nudged, i);
    const at::Tensor free_error = error_of(free, free_activation);
    const at::Tensor nudged_error = error_of(nudged, nudged_activation);
    const measure::TagScope gradient_tag(measure::Tag::gradients);
    at::Tensor weight = at::mm(free_error.t(), free_activation);
    weight.addmm_(nudged_error.t(), nudged_activation, 1, -1).mul_(scale);
    const at::Tensor bias = (free_error - nudged_error).sum(0).mul_(scale);
    set.gradients.push_back({weight, bias});
  }
  set.hand_to(sink);
}

} // namespace peakbench::ep
