#include "ep/arms.h"

#include <c10/core/GradMode.h>

#include <algorithm>

namespace peakbench::ep {

void run_arm(const Problem& problem, GradientSink& sink) {
  const c10::NoGradGuard no_recording; // arms record where they need a graph
  switch (problem.settings.arm) {
  case Arm::backprop:
    return backprop(problem, sink);
  case Arm::backprop_checkpoint:
    return backprop_checkpoint(problem, sink);
  case Arm::backprop_streamed:
    return backprop_streamed(problem, sink);
  case Arm::truncated_backprop:
    return truncated_backprop(problem, sink);
  case Arm::ep_autograd:
    return ep_autograd(problem, sink);
  case Arm::ep_manual:
    return ep_manual(problem, sink);
  case Arm::ep_finite_difference:
    return ep_finite_difference(problem, sink);
  case Arm::ep_analytic:
    return ep_analytic(problem, sink);
  case Arm::ep_checkpoint:
    return ep_checkpoint(problem, sink);
  case Arm::ep_batched:
    return ep_batched(problem, sink);
  case Arm::ep_sweep:
    return ep_sweep(problem, sink);
  case Arm::ep_sweep_checkpoint:
    return ep_sweep_checkpoint(problem, sink);
  case Arm::ep_fused:
    return ep_fused(problem, sink);
  }
}

std::int64_t first_settling_layer(const Settings& settings) {
  const bool early = settings.profile == Profile::compat && settings.loss == Loss::cross_entropy;
  return std::max<std::int64_t>(0, settings.depth - settings.steps - (early ? 1 : 0));
}

std::int64_t first_updated_layer(const Settings& settings) {
  if (settings.arm == Arm::ep_fused)
    return first_settling_layer(settings);
  if (settings.arm == Arm::truncated_backprop)
    return std::max<std::int64_t>(0, settings.depth - settings.steps);
  return 0;
}

void GradientSet::hand_to(GradientSink& sink) const {
  for (std::size_t i = 0; i < gradients.size(); ++i)
    sink.accept(first + static_cast<std::int64_t>(i), gradients[i].weight, gradients[i].bias);
}

} // namespace peakbench::ep
