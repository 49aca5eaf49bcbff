#include "ep/stopping.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace peakbench::ep {

namespace {

constexpr int kPatience = 5;
constexpr double kGrowth = 1.1, kDecay = 0.5, kGreatest = 10;

void keep(const std::vector<at::Tensor>& from, std::vector<at::Tensor>& to) {
  if (to.empty())
    for (const at::Tensor& tensor : from)
      to.push_back(at::empty_like(tensor));
  for (std::size_t i = 0; i < from.size(); ++i)
    to[i].copy_(from[i]);
}

} // namespace

EnergyRule::EnergyRule(const Settings& settings)
    : watches_(settings.profile == Profile::compat &&
               (settings.tolerance > 0 || settings.adaptive)),
      adaptive_(settings.adaptive), tolerance_(settings.tolerance) {}

EnergyRule::Verdict EnergyRule::look(double energy, std::vector<at::Tensor>& states, double& rate) {
  const bool first = std::isnan(previous_);
  if (adaptive_) {
    if (first)
      first_rate_ = rate;
    if (!first && energy > previous_) {
      for (std::size_t i = 0; i < states.size(); ++i)
        states[i].copy_(accepted_[i]);
      rate *= kDecay;
      return Verdict::taken_back;
    }
    if (!first)
      rate = std::min(rate * kGrowth, first_rate_ * kGreatest);
    keep(states, accepted_);
  }
  if (!first) {
    quiet_ = std::abs(energy - previous_) < tolerance_ ? quiet_ + 1 : 0;
    if (quiet_ >= kPatience)
      return Verdict::ended;
  }
  previous_ = energy;
  return Verdict::go_on;
}

RowRule::RowRule(const Settings& settings)
    : tolerance_(settings.profile == Profile::clean ? settings.tolerance : 0) {}

void RowRule::before(const std::vector<at::Tensor>& states,
                     const std::vector<at::Tensor>& velocities) {
  keep(states, states_);
  keep(velocities, velocities_);
  if (!stopped_.defined())
    stopped_ = at::zeros({states[0].size(0), 1}, states[0].options().dtype(at::kBool));
}

void RowRule::after(std::vector<at::Tensor>& states, std::vector<at::Tensor>& velocities) {
  at::Tensor moved = at::zeros({states[0].size(0), 1}, states[0].options());
  for (std::size_t i = 0; i < states.size(); ++i) {
    moved = at::maximum(moved, (states[i] - states_[i]).abs().amax(1, true));
    states[i].copy_(at::where(stopped_, states_[i], states[i]));
    velocities[i].copy_(at::where(stopped_, velocities_[i], velocities[i]));
  }
  stopped_ = stopped_.logical_or(moved <= tolerance_);
}

bool RowRule::all_stopped() const { return stopped_.all().item<bool>(); }

} // namespace peakbench::ep
