// EP by one reverse sweep (sweep.h) with recomputed activations: the forward pass keeps what enters
// every sqrt(L)-th layer, the sweep computes one segment's activations again at a time. Every layer
// gets a gradient, and everything beyond the weights is O(sqrt(L)).
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "ep/arms.h"
#include "ep/energy.h"
#include "ep/sweep.h"
#include "measure/tag.h"

namespace peakbench::ep {

void ep_sweep_checkpoint(const Problem& problem, GradientSink& sink) {
  const measure::TagScope tag(measure::Tag::states);
  if (problem.observer)
    show_sweep(problem, *problem.observer);
  const std::int64_t depth = problem.network.depth();
  const auto length = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(depth))));
  // What enters layers 0, length, 2 length, ...
  std::vector<at::Tensor> checkpoints{problem.batch.input};
  at::Tensor prediction;
  {
    const StageScope stage(problem.stages, Stage::settling);
    at::Tensor activation = problem.batch.input;
    for (std::int64_t i = 0; i + 1 < depth; ++i) {
      activation = predict(problem.network.layer(i), activation).relu_();
      if ((i + 1) % length == 0)
        checkpoints.push_back(activation);
    }
    prediction = predict(problem.network.layer(depth - 1), activation);
  }
  const StageScope stage(problem.stages, Stage::contrast);
  Sweep sweep(problem, prediction, sink);
  for (std::int64_t end = depth; end > 0;) {
    const std::int64_t begin = (end - 1) / length * length;
    std::vector<at::Tensor> entering{checkpoints.back()};
    checkpoints.pop_back();
    for (std::int64_t i = begin; i + 1 < end; ++i)
      entering.push_back(predict(problem.network.layer(i), entering.back()).relu_());
    for (std::int64_t i = end; i-- > begin;) {
      sweep.through(i, entering.back());
      entering.pop_back();
    }
    end = begin;
  }
  sweep.finish();
}

} // namespace peakbench::ep
