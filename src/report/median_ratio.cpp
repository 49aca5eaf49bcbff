#include "report/median_ratio.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <random>

#include "base/statistics.h"

namespace peakbench::report {

namespace {

constexpr double kNegligible = 1e-18;
constexpr std::uint64_t kSeed = 20250101;

double log_binomial(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

// P(at least k of n draws are among the first i of n values), k <= n, i <= n: a binomial tail.
double at_least(std::size_t n, std::size_t k, std::size_t i) {
  if (i == 0)
    return 0;
  if (i == n)
    return 1;
  const auto count = static_cast<double>(n);
  const double log_in = std::log(static_cast<double>(i) / count);
  const double log_out = std::log(static_cast<double>(n - i) / count);
  const auto term = [&](std::size_t j) {
    const auto inside = static_cast<double>(j);
    return std::exp(log_binomial(count, inside) + inside * log_in + (count - inside) * log_out);
  };
  // The shorter side of the mode, from its greatest term on, until nothing more is added.
  const bool upper = static_cast<double>(k) > static_cast<double>(i);
  double sum = 0;
  if (upper) {
    for (std::size_t j = k; j <= n; ++j) {
      const double one = term(j);
      sum += one;
      if (one < kNegligible)
        break;
    }
    return std::min(1.0, sum);
  }
  for (std::size_t j = k; j-- > 0;) {
    const double one = term(j);
    sum += one;
    if (one < kNegligible)
      break;
  }
  return std::max(0.0, 1 - sum);
}

// P(exactly half of n draws are among the first i values, the i-th of them drawn), n even: one half
// of the joint probability of the two middle values.
double half_mass(std::size_t n, std::size_t i) {
  const auto count = static_cast<double>(n), half = count / 2, at = static_cast<double>(i);
  return std::exp(0.5 * log_binomial(count, half) + half * std::log(at / count)) *
         (i == 1 ? 1.0 : -std::expm1(half * std::log1p(-1 / at)));
}

void add(MedianDistribution& all, double value, double probability) {
  if (probability < kNegligible)
    return;
  all.values.push_back(value);
  all.probability.push_back(probability);
}

void sort_values(MedianDistribution& all) {
  std::vector<std::pair<double, double>> pairs(all.values.size());
  for (std::size_t i = 0; i < pairs.size(); ++i)
    pairs[i] = {all.values[i], all.probability[i]};
  std::ranges::sort(pairs);
  double sum = 0;
  for (const auto& pair : pairs)
    sum += pair.second;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    all.values[i] = pairs[i].first;
    all.probability[i] = pairs[i].second / sum;
  }
}

bool all_positive(std::span<const double> values) {
  return !values.empty() && std::ranges::all_of(values, [](double value) {
    return value > 0 && std::isfinite(value);
  });
}

// P(now / before <= ratio). Both ascend, so one pass over each is enough.
double probability_up_to(const MedianDistribution& now, const MedianDistribution& before,
                         double ratio) {
  double sum = 0, below = 0;
  std::size_t next = 0;
  for (std::size_t j = 0; j < before.values.size(); ++j) {
    while (next < now.values.size() && now.values[next] / before.values[j] <= ratio)
      below += now.probability[next++];
    sum += before.probability[j] * below;
  }
  return sum;
}

// The least ratio that is reached with this probability: a bisection over the doubles themselves
// (positive ones are ordered as their bits), so that it ends at one of the ratios that there are.
double quantile(const MedianDistribution& now, const MedianDistribution& before, double wanted) {
  auto low = std::bit_cast<std::uint64_t>(now.values.front() / before.values.back());
  auto high = std::bit_cast<std::uint64_t>(now.values.back() / before.values.front());
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (probability_up_to(now, before, std::bit_cast<double>(middle)) >= wanted)
      high = middle;
    else
      low = middle + 1;
  }
  return std::bit_cast<double>(high);
}

// Values are drawn through the cumulative sums.
class Drawer {
public:
  explicit Drawer(std::span<const double> values) : all_(bootstrap_of_median(values)) {
    double sum = 0;
    for (double& one : all_.probability)
      one = sum += one;
    for (double& value : all_.values)
      value = std::log(value);
  }
  double operator()(std::mt19937_64& random) const {
    const double uniform = static_cast<double>(random() >> 11) * 0x1p-53;
    const auto found = std::ranges::upper_bound(all_.probability, uniform);
    const auto at =
        std::min<std::ptrdiff_t>(found - all_.probability.begin(), std::ssize(all_.values) - 1);
    return all_.values[static_cast<std::size_t>(at)];
  }

private:
  MedianDistribution all_; // cumulative, of logarithms
};

} // namespace

MedianDistribution bootstrap_of_median(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const std::size_t n = sorted.size(), half = n / 2;
  MedianDistribution all;
  const auto mass_at = [&](std::size_t i, std::size_t rank) { // P(the rank-th drawn is the i-th)
    return std::max(0.0, at_least(n, rank, i) - at_least(n, rank, i - 1));
  };
  if (n % 2 == 1) {
    for (std::size_t i = 1; i <= n; ++i)
      add(all, sorted[i - 1], mass_at(i, half + 1));
    sort_values(all);
    return all;
  }
  std::vector<double> masses(n + 1);
  for (std::size_t i = 1; i <= n; ++i)
    masses[i] = half_mass(n, i);
  for (std::size_t i = 1; i <= n; ++i) {
    double apart = 0; // the middle two are different values
    for (std::size_t j = i + 1; j <= n; ++j) {
      const double both = masses[i] * masses[n + 1 - j];
      if (both < kNegligible)
        break;
      apart += both;
      add(all, sorted[i - 1] / 2 + sorted[j - 1] / 2, both);
    }
    add(all, sorted[i - 1], mass_at(i, half) - apart);
  }
  sort_values(all);
  return all;
}

Ratio ratio_of_medians(std::span<const double> now, std::span<const double> before,
                       double confidence) {
  Ratio result;
  if (!all_positive(now) || !all_positive(before))
    return result;
  result.ratio = summarize(now).median / summarize(before).median;
  if (now.size() < 2 || before.size() < 2)
    return result;
  const MedianDistribution spread_now = bootstrap_of_median(now);
  const MedianDistribution spread_before = bootstrap_of_median(before);
  const double outside = (1 - confidence) / 2;
  result.lower = quantile(spread_now, spread_before, outside);
  result.upper = quantile(spread_now, spread_before, 1 - outside);
  return result;
}

Ratio mean_ratio(std::span<const Samples> cases, double confidence, int drawings) {
  Ratio result;
  double sum = 0;
  std::size_t count = 0;
  bool all_spread = true;
  std::vector<Drawer> drawers;
  for (const Samples& one : cases) {
    if (!all_positive(one.now) || !all_positive(one.before))
      continue;
    sum += std::log(summarize(one.now).median / summarize(one.before).median);
    ++count;
    all_spread = all_spread && one.now.size() > 1 && one.before.size() > 1;
    drawers.emplace_back(one.now);
    drawers.emplace_back(one.before);
  }
  if (count == 0)
    return result;
  const auto mean = [&](double total) { return std::exp(total / static_cast<double>(count)); };
  result.ratio = mean(sum);
  if (!all_spread)
    return result;
  std::mt19937_64 random(kSeed);
  std::vector<double> means;
  for (int drawing = 0; drawing < drawings; ++drawing) {
    double total = 0;
    for (std::size_t i = 0; i < drawers.size(); i += 2) {
      total += drawers[i](random);
      total -= drawers[i + 1](random);
    }
    means.push_back(mean(total));
  }
  std::ranges::sort(means);
  const auto at = [&](double share) {
    const double rank = std::ceil(share * drawings) - 1;
    return means[static_cast<std::size_t>(std::clamp(rank, 0.0, drawings - 1.0))];
  };
  result.lower = at((1 - confidence) / 2);
  result.upper = at((1 + confidence) / 2);
  return result;
}

} // namespace peakbench::report
