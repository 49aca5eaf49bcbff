#include <ATen/ATen.h>

#include <algorithm>
#include <vector>

#include "ep/cone.h"
#include "ep/energy.h"
#include "ep/settling.h"
#include "ep/stopping.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

// How far relu(free + displacement) is from relu(free). Where both signs agree it is the
// displacement itself (or 0), with all its digits: max(D + min(s, 0), -max(s, 0)).
at::Tensor activation_change(const at::Tensor& free, const at::Tensor& displacement) {
  return at::maximum(at::clamp_max(free, 0).add_(displacement), at::relu(free).neg_());
}

class AtenCone : public Cone, public SettlingView {
public:
  explicit AtenCone(const Problem& problem);
  void settle(double beta, Observer* observer) override;
  at::Tensor error(std::int64_t layer) const override;
  at::Tensor activation(std::int64_t layer) const override;
  double energy() const override;
  at::Tensor state(std::int64_t layer) const override {
    return layer < first_ ? at::Tensor() : free_[slot(layer)] + displacement_[slot(layer)];
  }
  std::int64_t first_non_finite() const override;

private:
  struct Residual {
    at::Tensor difference; // s_i - h_i
    at::Tensor prediction; // h_i, of the output layer only
  };
  std::size_t slot(std::int64_t layer) const { return static_cast<std::size_t>(layer - first_); }
  bool is_output(std::int64_t layer) const { return layer + 1 == network_.depth(); }
  // `moved`: the lowest layer whose displacement is not zero.
  Residual residual(std::int64_t layer, std::int64_t moved) const;
  at::Tensor error_of(std::int64_t layer, const Residual& residual) const;
  void step(double beta, std::int64_t t);
  void run(double beta, Observer* observer);

  const Problem& problem_;
  const Network& network_;
  OutputLayer output_;
  bool delta_output_; // the output's delta form knows no epsilon
  double beta_ = 0, rate_ = 0;
  std::int64_t first_;
  bool early_;                   // step t moves one layer more (first_settling_layer)
  at::Tensor entering_;          // the activation that enters layer first_; never moves
  std::vector<at::Tensor> free_; // s^f of layers first_ ..
  std::vector<at::Tensor> displacement_, velocity_;
};

AtenCone::AtenCone(const Problem& problem)
    : problem_(problem), network_(problem.network), output_(problem.settings),
      delta_output_(problem.settings.profile == Profile::clean),
      first_(first_settling_layer(problem.settings)),
      early_(problem.settings.profile == Profile::compat &&
             problem.settings.loss == Loss::cross_entropy) {
  const measure::TagScope tag(measure::Tag::states);
  entering_ = problem.batch.input;
  for (std::int64_t i = 0; i < first_; ++i)
    entering_ = predict(network_.layer(i), entering_).relu_();
  for (std::int64_t i = first_; i < network_.depth(); ++i)
    free_.push_back(predict(network_.layer(i), i == first_ ? entering_ : activate(free_.back())));
  for (const at::Tensor& state : free_) {
    displacement_.push_back(at::empty_like(state));
    velocity_.push_back(at::empty_like(state));
  }
}

AtenCone::Residual AtenCone::residual(std::int64_t layer, std::int64_t moved) const {
  Residual result;
  const at::Tensor& displacement = displacement_[slot(layer)];
  at::Tensor change; // of the prediction
  if (layer > std::max(moved, first_))
    change = at::mm(activation_change(free_[slot(layer - 1)], displacement_[slot(layer - 1)]),
                    network_.layer(layer).weight.t());
  result.difference = change.defined() ? at::sub(displacement, change) : displacement;
  if (is_output(layer))
    result.prediction = change.defined() ? change.add_(free_.back()) : free_.back();
  return result;
}

at::Tensor AtenCone::error_of(std::int64_t layer, const Residual& residual) const {
  if (!is_output(layer))
    return residual.difference;
  return delta_output_
             ? output_.error_from_difference(residual.difference, residual.prediction)
             : output_.error(residual.prediction + residual.difference, residual.prediction);
}

// Step t moves layers L - t .. L - 1 (counted from 0; one more if early), from the output down: no
// layer is moved before the error that reads it is known.
void AtenCone::step(double beta, std::int64_t t) {
  const std::int64_t depth = network_.depth();
  const std::int64_t moving = std::max(first_, depth - t - (early_ ? 1 : 0));
  const std::int64_t moved = t == 1 ? depth : depth - t + (early_ ? 0 : 1);
  at::Tensor error_above;
  for (std::int64_t i = depth - 1; i >= moving; --i) {
    at::Tensor& displacement = displacement_[slot(i)];
    at::Tensor error, force;
    if (is_output(i)) {
      const Residual now = residual(i, moved);
      error = error_of(i, now);
      force = delta_output_ ? output_.force_from_difference(now.difference, now.prediction,
                                                            problem_.batch.target, beta)
                            : output_.force(now.prediction + now.difference, now.prediction,
                                            problem_.batch.target, beta);
    } else {
      const at::Tensor pull =
          pull_back(error_above, network_.layer(i + 1).weight, free_[slot(i)] + displacement);
      if (i >= moved) {
        error = residual(i, moved).difference;
        force = at::sub(error, pull);
      } else { // its first step: no residual yet
        force = at::neg(pull);
      }
    }
    // A residual may be the displacement itself, which is about to change in place.
    if (error.defined() && error.is_same(displacement))
      error = error.clone();
    velocity_[slot(i)] = force.add_(velocity_[slot(i)], problem_.settings.momentum);
    displacement.sub_(velocity_[slot(i)], rate_);
    error_above = std::move(error);
  }
}

void AtenCone::run(double beta, Observer* observer) {
  beta_ = beta;
  rate_ = effective_rate(problem_.settings);
  EnergyRule energy_rule(problem_.settings);
  RowRule row_rule(problem_.settings);
  for (std::size_t i = 0; i < free_.size(); ++i) {
    displacement_[i].zero_();
    velocity_[i].zero_();
  }
  if (observer)
    observer->after_step(beta, 0, *this);
  for (std::int64_t t = 1; t <= problem_.settings.steps; ++t) {
    problem_.deadline.check();
    auto verdict = EnergyRule::Verdict::go_on;
    if (energy_rule.watches())
      verdict = energy_rule.look(energy(), displacement_, rate_);
    if (verdict == EnergyRule::Verdict::ended)
      break;
    if (row_rule.watches())
      row_rule.before(displacement_, velocity_);
    if (verdict == EnergyRule::Verdict::go_on)
      step(beta, t);
    if (row_rule.watches())
      row_rule.after(displacement_, velocity_);
    if (observer)
      observer->after_step(beta, t, *this);
    if (row_rule.watches() && row_rule.all_stopped())
      break;
  }
}

void AtenCone::settle(double beta, Observer* observer) {
  const StageScope stage(problem_.stages, Stage::settling);
  const measure::TagScope tag(measure::Tag::states);
  run(beta, observer);
  if (!all_finite(displacement_))
    throw_diverged(problem_, [&](Observer* watch) { run(beta, watch); });
}

at::Tensor AtenCone::error(std::int64_t layer) const {
  return error_of(layer, residual(layer, first_));
}

at::Tensor AtenCone::activation(std::int64_t layer) const {
  if (layer == first_)
    return entering_;
  return (free_[slot(layer - 1)] + displacement_[slot(layer - 1)]).relu_();
}

double AtenCone::energy() const {
  double total = 0;
  for (std::int64_t i = first_; i < network_.depth(); ++i) {
    const Residual now = residual(i, first_);
    const at::Tensor difference = now.difference.to(at::kDouble);
    if (!is_output(i)) {
      total += 0.5 * difference.square().sum().item<double>();
    } else {
      const at::Tensor prediction = now.prediction.to(at::kDouble);
      const at::Tensor state = prediction + difference;
      total += output_.divergence(state, prediction).item<double>() +
               beta_ * output_.cost(state, problem_.batch.target.to(at::kDouble)).item<double>();
    }
  }
  return total / static_cast<double>(problem_.settings.batch);
}

std::int64_t AtenCone::first_non_finite() const {
  for (std::size_t i = 0; i < displacement_.size(); ++i)
    if (!at::isfinite(displacement_[i]).all().item<bool>())
      return first_ + static_cast<std::int64_t>(i);
  return -1;
}

} // namespace

std::unique_ptr<Cone> make_aten_cone(const Problem& problem) {
  return std::make_unique<AtenCone>(problem);
}

} // namespace peakbench::ep
