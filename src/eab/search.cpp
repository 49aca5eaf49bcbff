#include "eab/search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace peakbench::eab {

namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
}

void BranchRule::begin_step(std::int64_t position, std::int64_t active, std::int64_t completed) {
  position_ = position;
  active_ = active;
  completed_ = completed;
  added_ = 0;
}

std::int64_t BranchRule::children_of(std::int64_t branch_factor) const {
  const bool strict = settings_.budget == Budget::strict;
  const std::int64_t room = settings_.max_paths - active_ - (strict ? completed_ + added_ : 0);
  if (room >= branch_factor)
    return branch_factor;
  if (room > 0)
    return room;
  return strict ? 1 : 2;
}

Decision BranchRule::decide(double entropy, std::int64_t support) {
  const bool scheduled = !settings_.schedule.empty();
  std::int64_t factor = settings_.branch_factor;
  if (scheduled)
    factor = position_ < static_cast<std::int64_t>(settings_.schedule.size())
                 ? settings_.schedule[static_cast<std::size_t>(position_)]
                 : 1;
  Decision decision{.tokens = 1, .gap = kInfinity};
  if (factor < 2)
    return decision;
  const std::int64_t children = std::min(children_of(factor), support);
  if (children < 2)
    return decision;
  if (!scheduled) {
    decision.gap = std::abs(entropy - settings_.threshold);
    if (entropy < settings_.threshold)
      return decision;
  }
  decision.tokens = children;
  added_ += children - 1;
  return decision;
}

std::vector<std::int32_t> by_log_prob(std::span<const double> log_probs) {
  std::vector<std::int32_t> order(log_probs.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    return log_probs[static_cast<std::size_t>(a)] > log_probs[static_cast<std::size_t>(b)];
  });
  return order;
}

Survivors prune(std::span<const double> log_probs, std::int64_t max_paths, double min_prob) {
  Survivors result;
  result.gap = kInfinity;
  const std::vector<std::int32_t> order = by_log_prob(log_probs);
  const auto value = [&](std::size_t rank) {
    return log_probs[static_cast<std::size_t>(order[rank])];
  };
  const double least = min_prob > 0 ? std::log(min_prob) : -kInfinity;
  std::size_t probable = 0;
  while (probable < order.size() && (probable == 0 || value(probable) >= least))
    ++probable;
  const std::size_t count = std::min(probable, static_cast<std::size_t>(max_paths));
  result.kept.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count));
  std::sort(result.kept.begin(), result.kept.end());
  if (count == order.size())
    return result;
  result.least_kept = order[count - 1];
  result.greatest_dropped = order[count];
  // Dropped by min_prob: the distance to it decided; by max_paths: that between the two neighbours.
  result.gap = count < probable ? value(count - 1) - value(count)
                                : std::min(least - value(count),
                                           count > 1 ? value(count - 1) - least : kInfinity);
  return result;
}

} // namespace peakbench::eab
