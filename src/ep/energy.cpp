#include "ep/energy.h"

#include <ATen/ATen.h>

#include "measure/tag.h"

namespace peakbench::ep {

OutputLayer::OutputLayer(const Settings& settings)
    : loss_(settings.loss), temperature_(settings.temperature),
      compat_(settings.profile == Profile::compat) {}

at::Tensor OutputLayer::log_q(const at::Tensor& state) const {
  const at::Tensor scaled = state / temperature_;
  return compat_ ? (at::softmax(scaled, 1) + kCompatEpsilon).log() : at::log_softmax(scaled, 1);
}

at::Tensor OutputLayer::divergence(const at::Tensor& state, const at::Tensor& prediction) const {
  if (loss_ == Loss::mse)
    return squared_residual(state, prediction);
  const at::Tensor log_p = at::log_softmax(prediction / temperature_, 1);
  return (log_p.exp() * (log_p - log_q(state))).sum();
}

at::Tensor OutputLayer::cost(const at::Tensor& state, const at::Tensor& target) const {
  if (loss_ == Loss::mse)
    return (state - target).square().sum();
  return -(target * at::log_softmax(state, 1)).sum();
}

at::Tensor OutputLayer::divergence_of_rows(const at::Tensor& state,
                                           const at::Tensor& prediction) const {
  if (loss_ == Loss::mse)
    return (state - prediction).square().sum(1).mul_(0.5);
  const at::Tensor log_p = at::log_softmax(prediction / temperature_, 1);
  return (log_p.exp() * (log_p - log_q(state))).sum(1);
}

at::Tensor OutputLayer::cost_of_rows(const at::Tensor& state, const at::Tensor& target) const {
  if (loss_ == Loss::mse)
    return (state - target).square().sum(1);
  return (target * at::log_softmax(state, 1)).sum(1).neg_();
}

at::Tensor OutputLayer::nudge(const at::Tensor& state, const at::Tensor& target,
                              double beta) const {
  if (loss_ == Loss::mse)
    return (state - target).mul_(2 * beta);
  return (at::softmax(state, 1) - target).mul_(beta);
}

at::Tensor OutputLayer::force(const at::Tensor& state, const at::Tensor& prediction,
                              const at::Tensor& target, double beta) const {
  at::Tensor result;
  if (loss_ == Loss::mse) {
    result = state - prediction;
  } else {
    const at::Tensor p = at::softmax(prediction / temperature_, 1);
    const at::Tensor q = at::softmax(state / temperature_, 1);
    if (compat_) { // d/dq of -p log(q + eps), through the softmax
      const at::Tensor pull = p / (q + kCompatEpsilon) * q;
      result = (q * pull.sum(1, true) - pull).div_(temperature_);
    } else {
      result = (q - p).div_(temperature_);
    }
  }
  return beta == 0 ? result : result.add_(nudge(state, target, beta));
}

at::Tensor OutputLayer::error(const at::Tensor& state, const at::Tensor& prediction) const {
  if (loss_ == Loss::mse)
    return state - prediction;
  const at::Tensor log_p = at::log_softmax(prediction / temperature_, 1);
  const at::Tensor p = log_p.exp();
  const at::Tensor d = log_p - log_q(state);
  return (p * ((p * d).sum(1, true) - d)).div_(temperature_);
}

at::Tensor OutputLayer::force_from_difference(const at::Tensor& difference,
                                              const at::Tensor& prediction,
                                              const at::Tensor& target, double beta) const {
  at::Tensor result;
  if (loss_ == Loss::mse) {
    result = difference.clone();
  } else {
    const at::Tensor p = at::softmax(prediction / temperature_, 1);
    const at::Tensor x = at::expm1(difference / temperature_);
    const at::Tensor mean = (p * x).sum(1, true);
    result = (p * (x - mean)).div_((mean + 1).mul_(temperature_));
  }
  return beta == 0 ? result : result.add_(nudge(prediction + difference, target, beta));
}

at::Tensor OutputLayer::error_from_difference(const at::Tensor& difference,
                                              const at::Tensor& prediction) const {
  if (loss_ == Loss::mse)
    return difference;
  const at::Tensor p = at::softmax(prediction / temperature_, 1);
  return (p * (difference - (p * difference).sum(1, true))).div_(temperature_ * temperature_);
}

double effective_rate(const Settings& settings) {
  return settings.profile == Profile::compat ? settings.rate / static_cast<double>(settings.batch)
                                             : settings.rate;
}

at::Tensor squared_residual(const at::Tensor& state, const at::Tensor& prediction) {
  return at::mse_loss(prediction, state, at::Reduction::Sum) * 0.5;
}

at::Tensor pull_back(const at::Tensor& error, const at::Tensor& weight, const at::Tensor& state) {
  return at::threshold_backward(at::mm(error, weight), state, 0);
}

std::vector<at::Tensor> forward_states(const Network& network, const at::Tensor& input) {
  const measure::TagScope tag(measure::Tag::states);
  std::vector<at::Tensor> states;
  states.reserve(network.layers.size());
  for (const Layer& layer : network.layers)
    states.push_back(predict(layer, states.empty() ? input : activate(states.back())));
  return states;
}

double energy(const Settings& settings, const Network& network, const Batch& batch,
              const std::vector<at::Tensor>& states, double beta) {
  const OutputLayer output(settings);
  const auto widen = [](const at::Tensor& tensor) { return tensor.to(at::kDouble); };
  double total = 0;
  at::Tensor activation = widen(batch.input);
  for (std::size_t i = 0; i < states.size(); ++i) {
    const Layer& layer = network.layers[i];
    const at::Tensor prediction = at::linear(activation, widen(layer.weight), widen(layer.bias));
    const at::Tensor state = widen(states[i]);
    if (i + 1 < states.size()) {
      total += squared_residual(state, prediction).item<double>();
    } else {
      total += output.divergence(state, prediction).item<double>();
      total += beta * output.cost(state, widen(batch.target)).item<double>();
    }
    activation = activate(state);
  }
  return total / static_cast<double>(settings.batch);
}

} // namespace peakbench::ep
