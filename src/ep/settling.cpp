#include "ep/settling.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "base/error.h"
#include "ep/energy.h"
#include "ep/stopping.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

class PlainView : public SettlingView {
public:
  PlainView(const Problem& problem, const PlainStates& states, double beta)
      : problem_(problem), states_(states), beta_(beta) {}

  double energy() const override {
    return ep::energy(problem_.settings, problem_.network, problem_.batch, states_.states, beta_);
  }
  at::Tensor state(std::int64_t layer) const override {
    return states_.states[static_cast<std::size_t>(layer)];
  }
  std::int64_t first_non_finite() const override {
    for (std::size_t i = 0; i < states_.states.size(); ++i)
      if (!at::isfinite(states_.states[i]).all().item<bool>())
        return static_cast<std::int64_t>(i);
    return -1;
  }

private:
  const Problem& problem_;
  const PlainStates& states_;
  double beta_;
};

class DivergenceWatch : public Observer {
public:
  explicit DivergenceWatch(const Settings& settings) : settings_(settings) {}
  void after_step(double beta, std::int64_t step, const SettlingView& view) override {
    const std::int64_t layer = view.first_non_finite();
    if (layer >= 0)
      throw Diverged(fmt::format("ep: states overflow at step {} of {} of the {} phase in layer {} "
                                 "of {} (rate {} and beta "
                                 "{} are too large for this network) Lower rate or beta.",
                                 step, settings_.steps, beta == 0 ? "free" : "nudged", layer + 1,
                                 settings_.depth, settings_.rate, settings_.beta));
  }

private:
  const Settings& settings_;
};

PlainStates starting_states(const Problem& problem) {
  const measure::TagScope tag(measure::Tag::states);
  PlainStates now;
  now.rate = effective_rate(problem.settings);
  if (problem.start)
    for (const at::Tensor& state : *problem.start)
      now.states.push_back(state.clone());
  else
    now.states = forward_states(problem.network, problem.batch.input);
  for (const at::Tensor& state : now.states)
    now.velocities.push_back(at::zeros_like(state));
  return now;
}

PlainStates run_phase(const Problem& problem, double beta, const PlainStep& step,
                      const Arrange& arrange, Observer* observer) {
  PlainStates now = starting_states(problem);
  if (arrange)
    arrange(now);
  EnergyRule energy_rule(problem.settings);
  RowRule row_rule(problem.settings);
  const PlainView view(problem, now, beta);
  if (observer)
    observer->after_step(beta, 0, view);
  for (std::int64_t t = 1; t <= problem.settings.steps; ++t) {
    problem.deadline.check();
    auto verdict = EnergyRule::Verdict::go_on;
    if (energy_rule.watches())
      verdict = energy_rule.look(view.energy(), now.states, now.rate);
    if (verdict == EnergyRule::Verdict::ended)
      break;
    if (row_rule.watches())
      row_rule.before(now.states, now.velocities);
    if (verdict == EnergyRule::Verdict::go_on)
      step(now, beta);
    if (row_rule.watches())
      row_rule.after(now.states, now.velocities);
    if (observer)
      observer->after_step(beta, t, view);
    if (row_rule.watches() && row_rule.all_stopped())
      break;
  }
  return now;
}

} // namespace

std::unique_ptr<SettlingView> view_of(const Problem& problem, const PlainStates& states,
                                      double beta) {
  return std::make_unique<PlainView>(problem, states, beta);
}

// A sum is finite only if no term is infinite or NaN; one number per layer, read once.
bool all_finite(const std::vector<at::Tensor>& tensors) {
  at::Tensor sums = at::empty({static_cast<std::int64_t>(tensors.size())}, tensors[0].options());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    at::Tensor sum = sums.select(0, static_cast<std::int64_t>(i));
    at::sum_out(sum, tensors[i], at::IntArrayRef{0, 1});
  }
  return at::isfinite(sums).all().item<bool>();
}

void throw_diverged(const Problem& problem, const std::function<void(Observer*)>& phase) {
  DivergenceWatch watch(problem.settings);
  phase(&watch);
  throw Diverged(fmt::format("ep: states overflow within {} settling steps in one of {} layers "
                             "Lower rate or beta.",
                             problem.settings.steps, problem.settings.depth));
}

std::vector<at::Tensor> settle(const Problem& problem, double beta, const PlainStep& step,
                               const Arrange& arrange) {
  const StageScope stage(problem.stages, Stage::settling);
  PlainStates settled = run_phase(problem, beta, step, arrange, problem.observer);
  if (!all_finite(settled.states))
    throw_diverged(problem,
                   [&](Observer* watch) { run_phase(problem, beta, step, arrange, watch); });
  return std::move(settled.states);
}

Phases settle_phases(const Problem& problem, const PlainStep& step, const Arrange& arrange) {
  const Settings& settings = problem.settings;
  Phases phases;
  phases.upper_beta = settings.beta;
  phases.lower_beta = settings.nudge == Nudge::symmetric ? -settings.beta : 0;
  phases.scale =
      1 / ((phases.upper_beta - phases.lower_beta) * static_cast<double>(settings.batch));
  phases.lower = settle(problem, phases.lower_beta, step, arrange);
  phases.upper = settle(problem, phases.upper_beta, step, arrange);
  return phases;
}

void apply_force(const Settings& settings, PlainStates& now, std::size_t layer, at::Tensor force) {
  now.velocities[layer] = force.add_(now.velocities[layer], settings.momentum);
  now.states[layer].sub_(now.velocities[layer], now.rate);
}

} // namespace peakbench::ep
