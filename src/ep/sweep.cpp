#include "ep/sweep.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "ep/energy.h"
#include "ep/settling.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

constexpr int kMostNewtonSteps = 200;

[[noreturn]] void throw_no_minimum(const Settings& settings, double beta) {
  throw Diverged(fmt::format("ep: no minimum of the energy at step 1 in layer {} of {} (nudged by "
                             "beta = {}) Lower beta, or choose nudge one_sided.",
                             settings.depth, settings.depth, beta));
}

// Newton's method on the convex D + beta C; the Hessian is singular along constant shifts, which
// change nothing.
at::Tensor displacement_by_newton(const Settings& settings, const at::Tensor& prediction,
                                  const at::Tensor& target, double beta) {
  const OutputLayer output(settings);
  const double tau = settings.temperature;
  const auto covariance = [](const at::Tensor& p) {
    return at::diag_embed(p) - p.unsqueeze(2) * p.unsqueeze(1);
  };
  at::Tensor u = at::zeros_like(prediction);
  const double enough = prediction.scalar_type() == at::kFloat ? 1e-7 : 1e-15;
  for (int step = 0; step < kMostNewtonSteps; ++step) {
    const at::Tensor state = prediction + u;
    const at::Tensor force = output.force_from_difference(u, prediction, target, beta);
    at::Tensor hessian = covariance(at::softmax(state / tau, 1)).div_(tau * tau);
    hessian.add_(covariance(at::softmax(state, 1)), beta)
        .add_(1.0 / static_cast<double>(prediction.size(1)));
    const at::Tensor full = at::linalg_solve(hessian, force.unsqueeze(2)).squeeze(2);
    // Far from the minimum a full step may overshoot: no unit moves further than tau.
    const at::Tensor length = full.abs().amax(1, true);
    u.sub_(full * (tau / length).clamp_max_(1));
    const double longest = length.max().item<double>();
    if (!(longest < 1e30))
      break;
    if (longest <= enough * std::max(1.0, u.abs().max().item<double>()))
      return u;
  }
  throw_no_minimum(settings, beta);
}

} // namespace

at::Tensor output_displacement(const Settings& settings, const at::Tensor& prediction,
                               const at::Tensor& target, double beta) {
  if (settings.loss == Loss::mse) { // (1 + 2 beta) s = h + 2 beta y
    if (1 + 2 * beta <= 0)
      throw_no_minimum(settings, beta);
    return (target - prediction).mul_(2 * beta / (1 + 2 * beta));
  }
  if (settings.temperature != 1)
    return displacement_by_newton(settings, prediction, target, beta);
  // q - p + beta (q - y) = 0, so q = (p + beta y) / (1 + beta) and, but for a constant,
  // u = log q - log p = log(1 + beta y / p).
  const at::Tensor log_share =
      (target.log() - at::log_softmax(prediction, 1)).add_(std::log(std::abs(beta)));
  if (beta > 0)
    return at::logaddexp(at::zeros({1}, log_share.options()), log_share);
  if ((log_share >= 0).any().item<bool>())
    throw_no_minimum(settings, beta);
  return at::log1p(-log_share.exp());
}

Sweep::Sweep(const Problem& problem, const at::Tensor& prediction, GradientSink& sink)
    : problem_(problem), sink_(sink),
      sums_(at::zeros({problem.network.depth()}, prediction.options())) {
  const Settings& settings = problem.settings;
  if (!all_finite({prediction}))
    throw Diverged(
        fmt::format("ep: the forward pass overflows at step 0 in layer {} of {} (weights "
                    "too large, learning_rate?)",
                    settings.depth, settings.depth));
  const OutputLayer output(settings);
  const auto error_at = [&](double beta) {
    return output.error_from_difference(
        output_displacement(settings, prediction, problem.batch.target, beta), prediction);
  };
  // Below the output everything is linear in e, so the two phases can be contrasted here already.
  error_ = settings.nudge == Nudge::symmetric
               ? (error_at(settings.beta) - error_at(-settings.beta)).div_(2 * settings.beta)
               : error_at(settings.beta).div_(settings.beta);
  problem.deadline.check(); // not later: from here on weights change
}

void Sweep::through(std::int64_t layer, const at::Tensor& entering) {
  const double scale = -1 / static_cast<double>(problem_.settings.batch);
  at::Tensor below; // before the sink changes the weights
  if (layer > 0)
    below = pull_back(error_, problem_.network.layer(layer).weight, entering);
  at::Tensor sum = sums_.select(0, layer);
  at::sum_out(sum, error_, at::IntArrayRef{0, 1});
  const measure::TagScope tag(measure::Tag::gradients);
  const at::Tensor scaled = error_.mul_(scale);
  sink_.accept(layer, at::mm(scaled.t(), entering), scaled.sum(0));
  error_ = std::move(below);
}

void Sweep::finish() const {
  const at::Tensor finite = at::isfinite(sums_).cpu();
  const bool* layers = finite.const_data_ptr<bool>();
  for (std::int64_t i = problem_.network.depth() - 1; i >= 0; --i)
    if (!layers[i])
      throw Diverged(fmt::format("ep: errors overflow at step 1 in layer {} of {} (weights too "
                                 "large for so deep a network) Choose another init.",
                                 i + 1, problem_.network.depth()));
}

void show_sweep(const Problem& problem, Observer& observer) {
  PlainStates now;
  now.states = forward_states(problem.network, problem.batch.input);
  const double beta = problem.settings.beta;
  const auto view = view_of(problem, now, beta);
  observer.after_step(beta, 0, *view);
  const at::Tensor prediction = now.states.back();
  const at::Tensor u =
      output_displacement(problem.settings, prediction, problem.batch.target, beta);
  at::Tensor error = OutputLayer(problem.settings).error_from_difference(u, prediction);
  now.states.back() = prediction + u;
  for (std::size_t i = now.states.size() - 1; i-- > 0;) {
    error = pull_back(error, problem.network.layers[i + 1].weight, now.states[i]);
    now.states[i] = now.states[i] + error;
  }
  observer.after_step(beta, 1, *view);
}

} // namespace peakbench::ep
