// EP as published: state gradients of the whole energy by autograd in both phases, then the
// weights' gradients by autograd from the contrast of the two energies.
#include <c10/core/GradMode.h>

#include "ep/arms.h"
#include "ep/recorded_energy.h"
#include "measure/tag.h"

namespace peakbench::ep {

void ep_autograd(const Problem& problem, GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::states);
  const std::int64_t depth = problem.network.depth();
  Phases phases = settle_phases(
      problem, [&](PlainStates& now, double beta) { step_by_autograd(problem, now, beta, depth); });
  const GradientSet set = contrast_by_autograd(problem, phases, depth);
  phases = {}; // the optimizer needs no states
  set.hand_to(sink);
}

} // namespace peakbench::ep
