#include "ep/loss.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "ep/autograd.h"
#include "ep/energy.h"
#include "measure/tag.h"

namespace peakbench::ep {

at::Tensor mean_loss(const Settings& settings, const Batch& batch, const at::Tensor& output) {
  return OutputLayer(settings).cost(output, batch.target) / static_cast<double>(settings.batch);
}

void require_finite(const at::Tensor& loss) {
  const auto value = loss.item<double>();
  if (!std::isfinite(value))
    throw Diverged(
        fmt::format("ep: the loss is {} at the output layer (learning_rate too large?)", value));
}

GradientSet back_propagate(const Problem& problem, std::int64_t first,
                           const at::Tensor& activation) {
  const StageScope stage(problem.stages, Stage::contrast);
  const Recording recording;
  std::vector<Layer> leaves;
  at::Tensor loss;
  {
    const measure::TagScope tag(measure::Tag::activations);
    at::Tensor state, input = activation;
    for (std::int64_t i = first; i < problem.network.depth(); ++i) {
      leaves.push_back(leaf(problem.network.layer(i)));
      state = predict(leaves.back(), input);
      if (i + 1 < problem.network.depth())
        input = activate(state);
    }
    loss = mean_loss(problem.settings, problem.batch, state);
  }
  require_finite(loss);
  problem.deadline.check();
  return {first, layer_gradients(loss, leaves)};
}

} // namespace peakbench::ep
