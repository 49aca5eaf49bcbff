#include "report/rank_sum.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "report/rank_correlation.h"

namespace peakbench::report {

namespace {

constexpr std::size_t kMostExact = 1000; // pairs: of the order of kMostExact^2 additions

// P(U = u) for u in 0 .. n m. The greatest of all values is an x with probability n / (n + m), and
// then exceeds every y: P(n, m, u) = n/(n+m) P(n-1, m, u-m) + m/(n+m) P(n, m-1, u). Only positive
// terms are added, so nothing cancels.
std::vector<double> distribution_of_u(std::size_t n, std::size_t m) {
  std::vector<std::vector<double>> fewer(m + 1, {1.0}); // of one x less, by the number of y
  for (std::size_t i = 1; i <= n; ++i) {
    std::vector<std::vector<double>> now(m + 1);
    now[0] = {1.0};
    for (std::size_t j = 1; j <= m; ++j) {
      now[j].assign(i * j + 1, 0.0);
      const double all = static_cast<double>(i + j);
      for (std::size_t u = 0; u < fewer[j].size(); ++u)
        now[j][u + j] += static_cast<double>(i) / all * fewer[j][u];
      for (std::size_t u = 0; u < now[j - 1].size(); ++u)
        now[j][u] += static_cast<double>(j) / all * now[j - 1][u];
    }
    fewer = std::move(now);
  }
  return fewer[m];
}

double exact_p(std::size_t n, std::size_t m, double u) {
  const std::vector<double> probability = distribution_of_u(n, m);
  const double mirrored = static_cast<double>(n * m) - u;
  const auto greater = static_cast<std::ptrdiff_t>(std::llround(std::max(u, mirrored)));
  // From the smallest terms on.
  const double tail = std::accumulate(probability.rbegin(), probability.rend() - greater, 0.0);
  return std::min(1.0, 2 * tail);
}

// Sum over groups of equal values of t^3 - t.
double ties_of(std::vector<double> values) {
  std::ranges::sort(values);
  double sum = 0;
  for (auto at = values.begin(); at != values.end();) {
    const auto end = std::upper_bound(at, values.end(), *at);
    const auto equal = static_cast<double>(end - at);
    sum += equal * equal * equal - equal;
    at = end;
  }
  return sum;
}

double normal_p(double n, double m, double u, double ties) {
  const double all = n + m, mean = n * m / 2;
  const double variance = n * m / 12 * (all + 1 - ties / (all * (all - 1)));
  if (!(variance > 0))
    return 1;
  const double distance = std::max(u, n * m - u) - mean - 0.5; // 0.5: continuity
  return std::min(1.0, std::erfc(distance / std::sqrt(2 * variance)));
}

} // namespace

RankSum rank_sum_test(std::span<const double> x, std::span<const double> y) {
  RankSum result;
  if (x.empty() || y.empty())
    return result;
  std::vector<double> both(x.begin(), x.end());
  both.insert(both.end(), y.begin(), y.end());
  const std::vector<double> ranks = average_ranks(both);
  const auto n = static_cast<double>(x.size()), m = static_cast<double>(y.size());
  const double rank_sum =
      std::accumulate(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(x.size()), 0.0);
  result.u = rank_sum - n * (n + 1) / 2;
  const double ties = ties_of(std::move(both));
  const bool exact = ties == 0 && x.size() * y.size() <= kMostExact;
  result.method = exact ? "exact" : "normal";
  result.p = exact ? exact_p(x.size(), y.size(), result.u) : normal_p(n, m, result.u, ties);
  return result;
}

double least_p(std::size_t x_count, std::size_t y_count) {
  const auto n = static_cast<double>(x_count), m = static_cast<double>(y_count);
  if (x_count == 0 || y_count == 0)
    return 1;
  return std::min(1.0,
                  2 * std::exp(std::lgamma(n + 1) + std::lgamma(m + 1) - std::lgamma(n + m + 1)));
}

double sign_test_p(std::size_t positive, std::size_t negative) {
  const auto all = static_cast<double>(positive + negative);
  double tail = 0;
  for (std::size_t k = 0; k <= std::min(positive, negative); ++k) {
    const auto rarer = static_cast<double>(k);
    tail += std::exp(std::lgamma(all + 1) - std::lgamma(rarer + 1) - std::lgamma(all - rarer + 1) -
                     all * std::numbers::ln2);
  }
  return std::min(1.0, 2 * tail);
}

std::vector<double> holm(std::span<const double> p) {
  std::vector<std::size_t> order;
  for (std::size_t index = 0; index < p.size(); ++index)
    if (!std::isnan(p[index]))
      order.push_back(index);
  std::ranges::stable_sort(order, {}, [&](std::size_t index) { return p[index]; });
  std::vector<double> adjusted(p.begin(), p.end());
  double greatest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const auto left = static_cast<double>(order.size() - rank);
    greatest = std::max(greatest, std::min(1.0, left * p[order[rank]]));
    adjusted[order[rank]] = greatest;
  }
  return adjusted;
}

} // namespace peakbench::report
