// EP in the light cone: states of the last T layers only, in delta form, and the optimizer applied
// straight from errors and activations. Everything beyond the weights is O(T): flat in depth.
#include <ATen/ATen.h>

#include "ep/arms.h"
#include "ep/cone.h"
#include "ep/cone_cuda.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

// A settled phase and what its B dE/dW counts in the gradient.
struct Phase {
  double beta, scale;
  std::unique_ptr<Cone> cone;
};

// One-sided, (nudged - free) / beta: the forward pass is the free equilibrium, where the gradient
// is exactly zero. Not quite so with the published log(q + 1e-8), so that profile compat runs the
// free phase.
std::vector<Phase> phases_of(const Settings& settings) {
  std::vector<Phase> phases;
  if (settings.nudge == Nudge::symmetric) {
    phases.push_back({settings.beta, 0.5 / settings.beta, nullptr});
    phases.push_back({-settings.beta, -0.5 / settings.beta, nullptr});
    return phases;
  }
  phases.push_back({settings.beta, 1 / settings.beta, nullptr});
  if (settings.profile == Profile::compat)
    phases.push_back({0, -1 / settings.beta, nullptr});
  return phases;
}

std::unique_ptr<Cone> make_cone(const Problem& problem) {
  if (std::unique_ptr<Cone> cone = make_cuda_cone(problem))
    return cone;
  return kernel_cone_runs(problem.settings, problem.batch.input.device())
             ? make_kernel_cone(problem)
             : make_aten_cone(problem);
}

// Nothing is multiplied out where cone and sink agree to it.
bool hand_over_factors(const Problem& problem, const std::vector<Phase>& phases,
                       GradientSink& sink) {
  std::vector<FactoredGradient> gradients;
  for (std::int64_t i = problem.settings.depth - 1; i >= first_updated_layer(problem.settings);
       --i) {
    gradients.push_back({i, {}});
    for (const Phase& phase : phases)
      if (!phase.cone->add_factors(i, phase.scale, gradients.back().factors))
        return false;
  }
  return sink.accept_factors(gradients);
}

void hand_over_products(const Problem& problem, const std::vector<Phase>& phases,
                        GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::gradients);
  for (std::int64_t i = problem.settings.depth - 1; i >= first_updated_layer(problem.settings);
       --i) {
    at::Tensor weight, bias;
    for (const Phase& phase : phases) {
      const at::Tensor error = phase.cone->error(i).mul(phase.scale);
      const at::Tensor activation = phase.cone->activation(i);
      weight =
          weight.defined() ? weight.addmm_(error.t(), activation) : at::mm(error.t(), activation);
      bias = bias.defined() ? bias.add_(error.sum(0)) : error.sum(0);
    }
    sink.accept(i, weight, bias);
  }
}

} // namespace

void ep_fused(const Problem& problem, GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::states);
  std::vector<Phase> phases = phases_of(problem.settings);
  for (Phase& phase : phases) {
    phase.scale /= -static_cast<double>(problem.settings.batch); // B dE/dW = -e^T a
    phase.cone = make_cone(problem);
    if (phases.size() == 1 &&
        phase.cone->settle_and_update(phase.beta, phase.scale, problem.observer, sink))
      return;
    phase.cone->settle(phase.beta, phase.beta > 0 ? problem.observer : nullptr);
  }
  const StageScope stage(problem.stages, Stage::contrast);
  if (!hand_over_factors(problem, phases, sink))
    hand_over_products(problem, phases, sink);
}

} // namespace peakbench::ep
