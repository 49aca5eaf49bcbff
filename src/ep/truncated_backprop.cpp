// Back-propagation through the last T layers only: the honest control of the light cone, which
// reaches the same layers.
#include <ATen/ATen.h>

#include "ep/arms.h"
#include "ep/loss.h"
#include "measure/tag.h"

namespace peakbench::ep {

void truncated_backprop(const Problem& problem, GradientSink& sink) {
  const std::int64_t first = first_updated_layer(problem.settings);
  at::Tensor activation = problem.batch.input;
  {
    const measure::TagScope tag(measure::Tag::activations);
    for (std::int64_t i = 0; i < first; ++i)
      activation = predict(problem.network.layer(i), activation).relu_();
  }
  back_propagate(problem, first, activation).hand_to(sink);
}

} // namespace peakbench::ep
