// EP with the exact gradients of ep.md: both phases over all layers, no graph.
#include <ATen/ATen.h>

#include "ep/arms.h"
#include "ep/contrast.h"
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
    apply_force(problem.settings, now, i, std::move(force));
    error_above = std::move(error);
  }
}

} // namespace

void ep_analytic(const Problem& problem, GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::states);
  Phases phases =
      settle_phases(problem, [&](PlainStates& now, double beta) { step_down(problem, now, beta); });
  const GradientSet set = contrast(problem, phases);
  phases = {}; // the optimizer needs no states
  set.hand_to(sink);
}

} // namespace peakbench::ep
