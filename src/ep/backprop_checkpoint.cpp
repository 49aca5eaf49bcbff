// Back-propagation with about sqrt(L) activation checkpoints: the forward pass keeps the activation
// that enters every segment, the backward pass records one segment's graph at a time.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "ep/arms.h"
#include "ep/autograd.h"
#include "ep/loss.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

// One segment: its layers' gradients into `set`, and the gradient of what entered it.
at::Tensor back_through(const Problem& problem, std::int64_t begin, std::int64_t end,
                        const at::Tensor& checkpoint, const at::Tensor& output_gradient,
                        GradientSet& set) {
  const Recording recording;
  std::vector<at::Tensor> inputs;
  at::Tensor output;
  {
    const measure::TagScope tag(measure::Tag::activations);
    inputs.push_back(begin == 0 ? checkpoint : leaf(checkpoint));
    output = inputs.back();
    for (std::int64_t i = begin; i < end; ++i) {
      const Layer layer = leaf(problem.network.layer(i));
      inputs.push_back(layer.weight);
      inputs.push_back(layer.bias);
      output = predict(layer, output);
      if (i + 1 < problem.network.depth())
        output = activate(output);
    }
    if (end == problem.network.depth()) {
      output = mean_loss(problem.settings, problem.batch, output);
      require_finite(output);
    }
  }
  if (begin == 0) // nobody asks for the gradient of the network's input
    inputs.erase(inputs.begin());
  const measure::TagScope tag(measure::Tag::gradients);
  std::vector<at::Tensor> result = gradients(output, inputs, output_gradient);
  const std::size_t offset = begin == 0 ? 0 : 1;
  for (std::int64_t i = begin; i < end; ++i) {
    const std::size_t at = offset + 2 * static_cast<std::size_t>(i - begin);
    set.gradients[static_cast<std::size_t>(i)] = {result[at], result[at + 1]};
  }
  return begin == 0 ? at::Tensor() : result.front();
}

GradientSet checkpointed_gradients(const Problem& problem) {
  const StageScope stage(problem.stages, Stage::contrast);
  const std::int64_t depth = problem.network.depth();
  const auto length = static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(depth))));
  std::vector<at::Tensor> checkpoints{problem.batch.input};
  {
    const measure::TagScope tag(measure::Tag::activations);
    at::Tensor activation = problem.batch.input;
    const std::int64_t last_begin = (depth - 1) / length * length;
    for (std::int64_t i = 0; i < last_begin; ++i) {
      activation = predict(problem.network.layer(i), activation).relu_();
      if ((i + 1) % length == 0)
        checkpoints.push_back(activation);
    }
  }
  GradientSet set{0, std::vector<Layer>(static_cast<std::size_t>(depth))};
  at::Tensor gradient;
  while (!checkpoints.empty()) {
    const auto begin = static_cast<std::int64_t>(checkpoints.size() - 1) * length;
    gradient = back_through(problem, begin, std::min(depth, begin + length), checkpoints.back(),
                            gradient, set);
    checkpoints.pop_back();
    problem.deadline.check();
  }
  return set;
}

} // namespace

void backprop_checkpoint(const Problem& problem, GradientSink& sink) {
  checkpointed_gradients(problem).hand_to(sink);
}

} // namespace peakbench::ep
