// Back-propagation with the optimizer inside of the backward pass: one graph per layer, walked from
// the output down, and a layer's gradient is handed over and forgotten before the next one is made.
// Saved activations of all layers, gradients of one.
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <vector>

#include "ep/arms.h"
#include "ep/autograd.h"
#include "ep/loss.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

struct RecordedLayer {
  Layer parameters;  // leaves
  at::Tensor input;  // the leaf that enters, or the batch
  at::Tensor output; // the activation that leaves; of the last layer the mean loss
};

std::vector<RecordedLayer> record_layers(const Problem& problem) {
  const measure::TagScope tag(measure::Tag::activations);
  const Recording recording;
  std::vector<RecordedLayer> layers;
  for (std::int64_t i = 0; i < problem.network.depth(); ++i) {
    RecordedLayer now{leaf(problem.network.layer(i)),
                      i == 0 ? problem.batch.input : leaf(layers.back().output),
                      {}};
    const at::Tensor state = predict(now.parameters, now.input);
    now.output = i + 1 < problem.network.depth()
                     ? activate(state)
                     : mean_loss(problem.settings, problem.batch, state);
    layers.push_back(std::move(now));
  }
  return layers;
}

} // namespace

void backprop_streamed(const Problem& problem, GradientSink& sink) {
  const StageScope stage(problem.stages, Stage::contrast);
  std::vector<RecordedLayer> layers = record_layers(problem);
  require_finite(layers.back().output);
  problem.deadline.check(); // not later: from here on weights change
  at::Tensor seed;          // gradient of what the layer gave out
  while (!layers.empty()) {
    const measure::TagScope tag(measure::Tag::gradients);
    const RecordedLayer now = std::move(layers.back());
    layers.pop_back();
    std::vector<at::Tensor> inputs{now.parameters.weight, now.parameters.bias};
    if (!layers.empty()) // nobody asks for the gradient of the network's input
      inputs.push_back(now.input);
    const std::vector<at::Tensor> result = gradients(now.output, inputs, seed);
    seed = layers.empty() ? at::Tensor() : result[2];
    sink.accept(static_cast<std::int64_t>(layers.size()), result[0], result[1]);
  }
}

} // namespace peakbench::ep
