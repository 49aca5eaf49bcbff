#include "ep/optimizer.h"

#include <ATen/ATen.h>

#include "ep/muon.h"
#include "measure/tag.h"

namespace peakbench::ep {

WeightOptimizer::WeightOptimizer(const Settings& settings, const Network& network)
    : settings_(settings), network_(network), momentum_(network.layers.size()) {}

void WeightOptimizer::reset() { momentum_.assign(network_.layers.size(), {}); }

const at::Tensor& WeightOptimizer::accumulate(at::Tensor& momentum,
                                              const at::Tensor& gradient) const {
  if (!momentum.defined()) {
    const measure::TagScope tag(measure::Tag::optimizer);
    momentum = at::zeros_like(gradient);
  }
  return momentum.mul_(settings_.optimizer_momentum).add_(gradient);
}

void WeightOptimizer::accept(std::int64_t index, const at::Tensor& weight, const at::Tensor& bias) {
  const measure::TagScope tag(measure::Tag::workspace);
  const double rate = settings_.learning_rate;
  const Layer& layer = network_.layer(index);
  Layer& momentum = momentum_[static_cast<std::size_t>(index)];
  if (settings_.optimizer == Optimizer::sgd) {
    layer.weight.sub_(weight, rate);
    layer.bias.sub_(bias, rate);
    return;
  }
  layer.bias.sub_(accumulate(momentum.bias, bias), rate);
  if (settings_.optimizer == Optimizer::momentum)
    layer.weight.sub_(accumulate(momentum.weight, weight), rate);
  else if (settings_.profile == Profile::compat)
    layer.weight.sub_(accumulate(momentum.weight, orthogonalize(weight, NewtonSchulz::cubic)),
                      rate);
  else
    layer.weight.sub_(orthogonalize(accumulate(momentum.weight, weight), NewtonSchulz::quintic),
                      rate);
}

} // namespace peakbench::ep
