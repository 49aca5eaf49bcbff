// EP in the light cone: states of the last T layers only, in delta form, and the optimizer applied
// as soon as a layer's gradient is known. Everything beyond the weights is O(T): flat in depth.
#include <ATen/ATen.h>

#include "ep/arms.h"
#include "ep/cone.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

std::unique_ptr<Cone> make_cone(const Problem& problem) {
  return kernel_cone_runs(problem.settings, problem.batch.input.device())
             ? make_kernel_cone(problem)
             : make_aten_cone(problem);
}

} // namespace

void ep_fused(const Problem& problem, GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::states);
  const Settings& settings = problem.settings;
  const std::unique_ptr<Cone> nudged = make_cone(problem);
  nudged->settle(settings.beta, problem.observer);
  // With the published log(q + 1e-8) the forward pass is not quite the free equilibrium, so that
  // the free phase has to be run; clean, its gradient is exactly zero.
  std::unique_ptr<Cone> free;
  if (settings.profile == Profile::compat) {
    free = make_cone(problem);
    free->settle(0, nullptr);
  }
  const StageScope stage(problem.stages, Stage::contrast);
  const double scale = 1 / (settings.beta * static_cast<double>(settings.batch));
  for (std::int64_t i = settings.depth - 1; i >= first_updated_layer(settings); --i) {
    const at::Tensor error = nudged->error(i).mul(-scale);
    const measure::TagScope gradient_tag(measure::Tag::gradients);
    at::Tensor weight = at::mm(error.t(), nudged->activation(i));
    at::Tensor bias = error.sum(0);
    if (free) {
      const at::Tensor free_error = free->error(i).mul(scale);
      weight.addmm_(free_error.t(), free->activation(i));
      bias.add_(free_error.sum(0));
    }
    sink.accept(i, weight, bias);
  }
}

} // namespace peakbench::ep
