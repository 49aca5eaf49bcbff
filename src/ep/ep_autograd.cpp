// EP as published: state gradients of the whole energy by autograd in both phases, then the
// weights' gradients by autograd from the contrast of the two energies.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include "ep/arms.h"
#include "ep/autograd.h"
#include "ep/energy.h"
#include "ep/settling.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

// B E as one graph over all layers.
at::Tensor recorded_energy(const Problem& problem, const std::vector<Layer>& layers,
                           const std::vector<at::Tensor>& states, double beta) {
  const StageScope stage(problem.stages, Stage::energy);
  const measure::TagScope tag(measure::Tag::activations);
  const OutputLayer output(problem.settings);
  std::vector<at::Tensor> terms;
  terms.reserve(states.size() + 1);
  for (std::size_t i = 0; i < states.size(); ++i) {
    const at::Tensor prediction =
        predict(layers[i], i == 0 ? problem.batch.input : activate(states[i - 1]));
    terms.push_back(i + 1 < states.size() ? squared_residual(states[i], prediction)
                                          : output.divergence(states[i], prediction));
  }
  if (beta != 0)
    terms.push_back(output.cost(states.back(), problem.batch.target) * beta);
  return at::stack(terms).sum();
}

void step_by_autograd(const Problem& problem, PlainStates& now, double beta) {
  std::vector<at::Tensor> forces;
  {
    const Recording recording;
    std::vector<at::Tensor> leaves;
    leaves.reserve(now.states.size());
    for (const at::Tensor& state : now.states)
      leaves.push_back(leaf(state));
    const at::Tensor total = recorded_energy(problem, problem.network.layers, leaves, beta);
    forces = gradients(total, leaves);
  }
  for (std::size_t i = 0; i < now.states.size(); ++i)
    apply_force(problem.settings, now.states[i], now.velocities[i], std::move(forces[i]));
}

} // namespace

void ep_autograd(const Problem& problem, GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::states);
  const auto step = [&](PlainStates& now, double beta) { step_by_autograd(problem, now, beta); };
  const double beta = problem.settings.beta;
  const std::vector<at::Tensor> free = settle(problem, 0, step);
  const std::vector<at::Tensor> nudged = settle(problem, beta, step);

  const StageScope stage(problem.stages, Stage::contrast);
  const Recording recording;
  std::vector<Layer> leaves;
  for (const Layer& layer : problem.network.layers)
    leaves.push_back(leaf(layer));
  const at::Tensor contrast =
      (recorded_energy(problem, leaves, nudged, beta) - recorded_energy(problem, leaves, free, 0)) /
      (beta * static_cast<double>(problem.settings.batch));
  const GradientSet set{0, layer_gradients(contrast, leaves)};
  const c10::NoGradGuard no_recording;
  set.hand_to(sink);
}

} // namespace peakbench::ep
