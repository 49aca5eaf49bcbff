// EP with an energy and a settling loop of its own: autograd sees one layer's term of the energy at
// a time, so that the graph is O(1) in depth; states, velocities, forces and gradients are not.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "ep/arms.h"
#include "ep/autograd.h"
#include "ep/energy.h"
#include "ep/settling.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

// Layer i's term of B E, recorded.
at::Tensor layer_energy(const Problem& problem, std::size_t i, const Layer& layer,
                        const at::Tensor& below, const at::Tensor& state, double beta) {
  const StageScope stage(problem.stages, Stage::energy);
  const measure::TagScope tag(measure::Tag::activations);
  const at::Tensor prediction = predict(layer, i == 0 ? below : activate(below));
  if (i + 1 < problem.network.layers.size())
    return squared_residual(state, prediction);
  const OutputLayer output(problem.settings);
  const at::Tensor divergence = output.divergence(state, prediction);
  return beta == 0 ? divergence : divergence + output.cost(state, problem.batch.target) * beta;
}

void step_by_layer(const Problem& problem, PlainStates& now, double beta) {
  std::vector<at::Tensor> forces(now.states.size());
  for (std::size_t i = 0; i < now.states.size(); ++i) {
    const Recording recording;
    std::vector<at::Tensor> inputs{leaf(now.states[i])};
    if (i > 0)
      inputs.push_back(leaf(now.states[i - 1]));
    const at::Tensor term = layer_energy(problem, i, problem.network.layers[i],
                                         i == 0 ? problem.batch.input : inputs[1], inputs[0], beta);
    const std::vector<at::Tensor> parts = gradients(term, inputs);
    const c10::NoGradGuard no_recording;
    forces[i] = parts[0];
    if (i > 0)
      forces[i - 1].add_(parts[1]);
  }
  for (std::size_t i = 0; i < now.states.size(); ++i)
    apply_force(problem.settings, now, i, std::move(forces[i]));
}

} // namespace

void ep_manual(const Problem& problem, GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::states);
  Phases phases = settle_phases(
      problem, [&](PlainStates& now, double beta) { step_by_layer(problem, now, beta); });

  const StageScope stage(problem.stages, Stage::contrast);
  GradientSet set;
  for (std::size_t i = 0; i < phases.lower.size(); ++i) {
    const Recording recording;
    const Layer layer = leaf(problem.network.layers[i]);
    const auto term = [&](const std::vector<at::Tensor>& states, double phase_beta) {
      return layer_energy(problem, i, layer, i == 0 ? problem.batch.input : states[i - 1],
                          states[i], phase_beta);
    };
    const at::Tensor difference =
        term(phases.upper, phases.upper_beta) - term(phases.lower, phases.lower_beta);
    set.gradients.push_back(layer_gradients(difference * phases.scale, {layer})[0]);
  }
  phases = {}; // the optimizer needs no states
  set.hand_to(sink);
}

} // namespace peakbench::ep
