// EP by one reverse sweep (sweep.h) from stored activations: every layer gets a gradient at the
// price of one backward pass. Activations are O(L); gradients are handed over layer by layer.
#include <ATen/ATen.h>

#include <vector>

#include "ep/arms.h"
#include "ep/energy.h"
#include "ep/sweep.h"
#include "measure/tag.h"

namespace peakbench::ep {

void ep_sweep(const Problem& problem, GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::states);
  if (problem.observer)
    show_sweep(problem, *problem.observer);
  const std::int64_t depth = problem.network.depth();
  std::vector<at::Tensor> activations{problem.batch.input};
  at::Tensor prediction;
  {
    const StageScope stage(problem.stages, Stage::settling);
    for (std::int64_t i = 0; i + 1 < depth; ++i)
      activations.push_back(predict(problem.network.layer(i), activations.back()).relu_());
    prediction = predict(problem.network.layer(depth - 1), activations.back());
  }
  const StageScope stage(problem.stages, Stage::contrast);
  Sweep sweep(problem, prediction, sink);
  for (std::int64_t i = depth - 1; i >= 0; --i) {
    sweep.through(i, activations.back());
    activations.pop_back();
  }
  sweep.finish();
}

} // namespace peakbench::ep
