#include "ep/optimizer.h"

#include <ATen/ATen.h>

#include "ep/muon.h"
#include "kernels/ep_update.h"
#include "kernels/newton_schulz.h"
#include "measure/tag.h"

namespace peakbench::ep {

WeightOptimizer::WeightOptimizer(const Settings& settings, const Network& network)
    : settings_(settings), network_(network), momentum_(network.layers.size()) {}

void WeightOptimizer::reset() { momentum_.assign(network_.layers.size(), {}); }

void WeightOptimizer::start(at::Tensor& momentum, const at::Tensor& like) {
  if (momentum.defined())
    return;
  const measure::TagScope tag(measure::Tag::optimizer);
  momentum = at::zeros_like(like);
}

const at::Tensor& WeightOptimizer::accumulate(at::Tensor& momentum,
                                              const at::Tensor& gradient) const {
  start(momentum, gradient);
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

bool WeightOptimizer::accept_factors(std::span<const FactoredGradient> gradients) {
  if (settings_.profile != Profile::clean)
    return false;
  const auto rate = static_cast<float>(settings_.learning_rate);
  const bool muon = settings_.optimizer == Optimizer::muon;
  std::vector<kernels::EpLayerUpdate> updates;
  std::vector<kernels::NewtonSchulzMatrix> matrices;
  for (const FactoredGradient& gradient : gradients) {
    const Layer& layer = network_.layer(gradient.layer);
    kernels::EpLayerUpdate& update = updates.emplace_back();
    update.weight = layer.weight.data_ptr<float>();
    update.bias = layer.bias.data_ptr<float>();
    update.inputs = layer.weight.size(1);
    update.outputs = layer.weight.size(0);
    update.factors = gradient.factors;
    if (settings_.optimizer == Optimizer::sgd)
      continue;
    Layer& momentum = momentum_[static_cast<std::size_t>(gradient.layer)];
    start(momentum.weight, layer.weight);
    start(momentum.bias, layer.bias);
    update.weight_momentum = momentum.weight.data_ptr<float>();
    update.bias_momentum = momentum.bias.data_ptr<float>();
    if (muon)
      matrices.push_back({update.outputs, update.inputs, update.weight_momentum, update.weight,
                          -rate, /*add=*/true});
  }
  kernels::ep_update(updates,
                     muon                                         ? kernels::EpRule::accumulate
                     : settings_.optimizer == Optimizer::momentum ? kernels::EpRule::momentum
                                                                  : kernels::EpRule::sgd,
                     rate, static_cast<float>(settings_.optimizer_momentum));
  if (muon) {
    const measure::TagScope tag(measure::Tag::workspace);
    const at::Tensor workspace =
        at::empty({kernels::newton_schulz_floats(matrices)}, network_.layer(0).weight.options());
    kernels::newton_schulz(matrices, rule_of(NewtonSchulz::quintic), workspace.data_ptr<float>());
  }
  return true;
}

std::optional<WeightUpdate> WeightOptimizer::begin_update(std::int64_t first) {
  if (settings_.profile != Profile::clean)
    return {};
  WeightUpdate update;
  update.learning_rate = settings_.learning_rate;
  update.momentum = settings_.optimizer_momentum;
  if (settings_.optimizer == Optimizer::sgd)
    return update;
  update.rule = settings_.optimizer == Optimizer::muon ? kernels::EpRule::accumulate
                                                       : kernels::EpRule::momentum;
  if (settings_.optimizer == Optimizer::muon)
    update.orthogonalization = rule_of(NewtonSchulz::quintic);
  for (std::int64_t i = first; i < network_.depth(); ++i) {
    Layer& momentum = momentum_[static_cast<std::size_t>(i)];
    start(momentum.weight, network_.layer(i).weight);
    start(momentum.bias, network_.layer(i).bias);
    update.momenta.push_back(momentum);
  }
  return update;
}

void WeightOptimizer::finish_update(std::span<const std::int64_t> layers) {
  const measure::TagScope tag(measure::Tag::workspace);
  for (const std::int64_t i : layers)
    network_.layer(i).weight.sub_(
        orthogonalize(momentum_[static_cast<std::size_t>(i)].weight, NewtonSchulz::quintic),
        settings_.learning_rate);
}

} // namespace peakbench::ep
