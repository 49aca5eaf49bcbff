// EP by autograd with checkpoints. The energy's states are its checkpoints already: every term
// reads two neighbouring states only, so the graph of about sqrt(L) layers at a time is enough, and
// nothing is computed twice but the activation at a run's border. The graph is O(sqrt(L)); states,
// velocities, forces and gradients stay O(L).
#include <cmath>

#include "ep/arms.h"
#include "ep/recorded_energy.h"
#include "measure/tag.h"

namespace peakbench::ep {

void ep_checkpoint(const Problem& problem, GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::states);
  const auto length =
      static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(problem.network.depth()))));
  Phases phases = settle_phases(problem, [&](PlainStates& now, double beta) {
    step_by_autograd(problem, now, beta, length);
  });
  const GradientSet set = contrast_by_autograd(problem, phases, length);
  phases = {}; // the optimizer needs no states
  set.hand_to(sink);
}

} // namespace peakbench::ep
