#include "ep/contrast.h"

#include <ATen/ATen.h>

#include "ep/energy.h"
#include "measure/tag.h"

namespace peakbench::ep {

GradientSet contrast(const Problem& problem, const Phases& phases) {
  const StageScope stage(problem.stages, Stage::contrast);
  const OutputLayer output(problem.settings);
  const std::size_t last = phases.lower.size() - 1;
  GradientSet set;
  for (std::size_t i = 0; i <= last; ++i) {
    const Layer& layer = problem.network.layers[i];
    const auto entering = [&](const std::vector<at::Tensor>& states) {
      return i == 0 ? problem.batch.input : activate(states[i - 1]);
    };
    const auto error_of = [&](const std::vector<at::Tensor>& states, const at::Tensor& activation) {
      const at::Tensor prediction = predict(layer, activation);
      return i == last ? output.error(states[i], prediction) : states[i] - prediction;
    };
    const at::Tensor lower_activation = entering(phases.lower);
    const at::Tensor upper_activation = entering(phases.upper);
    const at::Tensor lower_error = error_of(phases.lower, lower_activation);
    const at::Tensor upper_error = error_of(phases.upper, upper_activation);
    const measure::TagScope gradient_tag(measure::Tag::gradients);
    at::Tensor weight = at::mm(lower_error.t(), lower_activation);
    weight.addmm_(upper_error.t(), upper_activation, 1, -1).mul_(phases.scale);
    const at::Tensor bias = (lower_error - upper_error).sum(0).mul_(phases.scale);
    set.gradients.push_back({weight, bias});
  }
  return set;
}

} // namespace peakbench::ep
