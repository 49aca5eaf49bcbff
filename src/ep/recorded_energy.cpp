#include "ep/recorded_energy.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>

#include "ep/autograd.h"
#include "ep/energy.h"
#include "measure/tag.h"

namespace peakbench::ep {

at::Tensor recorded_energy(const Problem& problem, const std::vector<Layer>& layers,
                           const std::vector<at::Tensor>& states, std::int64_t begin,
                           std::int64_t end, double beta) {
  const StageScope stage(problem.stages, Stage::energy);
  const measure::TagScope tag(measure::Tag::activations);
  const OutputLayer output(problem.settings);
  std::vector<at::Tensor> terms;
  for (std::int64_t layer = begin; layer < end; ++layer) {
    const auto i = static_cast<std::size_t>(layer);
    const at::Tensor prediction =
        predict(layers[i], i == 0 ? problem.batch.input : activate(states[i - 1]));
    const bool last = i + 1 == states.size();
    terms.push_back(last ? output.divergence(states[i], prediction)
                         : squared_residual(states[i], prediction));
    if (last && beta != 0)
      terms.push_back(output.cost(states[i], problem.batch.target) * beta);
  }
  return at::stack(terms).sum();
}

void step_by_autograd(const Problem& problem, PlainStates& now, double beta, std::int64_t length) {
  const auto depth = static_cast<std::int64_t>(now.states.size());
  std::vector<at::Tensor> forces(now.states.size());
  for (std::int64_t begin = 0; begin < depth; begin += length) {
    const std::int64_t end = std::min(depth, begin + length);
    const Recording recording;
    // The state below the first layer of the run takes part in that layer's prediction.
    const std::int64_t first = std::max<std::int64_t>(begin - 1, 0);
    std::vector<at::Tensor> states(now.states.size()), leaves;
    for (std::int64_t i = first; i < end; ++i)
      leaves.push_back(states[static_cast<std::size_t>(i)] =
                           leaf(now.states[static_cast<std::size_t>(i)]));
    const at::Tensor total =
        recorded_energy(problem, problem.network.layers, states, begin, end, beta);
    std::vector<at::Tensor> parts = gradients(total, leaves);
    const c10::NoGradGuard no_recording;
    for (std::int64_t i = first; i < end; ++i) {
      at::Tensor& force = forces[static_cast<std::size_t>(i)];
      at::Tensor& part = parts[static_cast<std::size_t>(i - first)];
      force = force.defined() ? force.add_(part) : std::move(part);
    }
  }
  for (std::size_t i = 0; i < now.states.size(); ++i)
    apply_force(problem.settings, now, i, std::move(forces[i]));
}

GradientSet contrast_by_autograd(const Problem& problem, const Phases& phases,
                                 std::int64_t length) {
  const StageScope stage(problem.stages, Stage::contrast);
  const auto depth = static_cast<std::int64_t>(phases.upper.size());
  GradientSet set;
  for (std::int64_t begin = 0; begin < depth; begin += length) {
    const std::int64_t end = std::min(depth, begin + length);
    const Recording recording;
    std::vector<Layer> layers(phases.upper.size()), leaves;
    for (std::int64_t i = begin; i < end; ++i)
      leaves.push_back(layers[static_cast<std::size_t>(i)] = leaf(problem.network.layer(i)));
    const at::Tensor contrast =
        (recorded_energy(problem, layers, phases.upper, begin, end, phases.upper_beta) -
         recorded_energy(problem, layers, phases.lower, begin, end, phases.lower_beta)) *
        phases.scale;
    for (Layer& gradient : layer_gradients(contrast, leaves))
      set.gradients.push_back(std::move(gradient));
  }
  return set;
}

} // namespace peakbench::ep
