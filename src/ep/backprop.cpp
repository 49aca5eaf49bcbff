// Back-propagation by autograd: saved activations and gradients of all layers.
#include "ep/arms.h"
#include "ep/loss.h"

namespace peakbench::ep {

void backprop(const Problem& problem, GradientSink& sink) {
  back_propagate(problem, 0, problem.batch.input).hand_to(sink);
}

} // namespace peakbench::ep
