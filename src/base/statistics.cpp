#include "base/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <vector>

namespace peakbench {

namespace {

double sorted_median(const std::vector<double>& sorted) {
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : sorted[half - 1] / 2 + sorted[half] / 2;
}

// P(X = successes) for X ~ Binomial(trials, 1/2), through logarithms: 2^-trials underflows at 1075.
double fair_coin(int trials, int successes) {
  return std::exp(std::lgamma(trials + 1.0) - std::lgamma(successes + 1.0) -
                  std::lgamma(trials - successes + 1.0) - trials * std::log(2.0));
}

} // namespace

Summary summarize(std::span<const double> values, double confidence) {
  Summary summary;
  summary.count = static_cast<int>(values.size());
  if (values.empty())
    return summary;

  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  summary.median = sorted_median(sorted);
  summary.minimum = sorted.front();
  summary.maximum = sorted.back();

  for (const double value : sorted)
    summary.mean += value / summary.count;
  double squares = 0; // about the mean: the sum of squares minus n mean^2 would cancel
  for (const double value : sorted)
    squares += (value - summary.mean) * (value - summary.mean);
  if (summary.count > 1)
    summary.standard_deviation = std::sqrt(squares / (summary.count - 1));

  // The median lies outside [x_(k), x_(n+1-k)] when at most k-1 values fall on one side of it, each
  // with probability 1/2. Take the largest k that keeps the confidence; k = 1 is the whole range.
  int k = 1;
  double outside = 2 * fair_coin(summary.count, 0);
  while (2 * (k + 1) <= summary.count) {
    const double wider_outside = outside + 2 * fair_coin(summary.count, k);
    if (1 - wider_outside < confidence)
      break;
    outside = wider_outside;
    ++k;
  }
  summary.lower = sorted[static_cast<std::size_t>(k - 1)];
  summary.upper = sorted[static_cast<std::size_t>(summary.count - k)];
  summary.coverage = std::max(0.0, 1 - outside);
  return summary;
}

Line regress(std::span<const double> x, std::span<const double> y) {
  assert(x.size() == y.size());
  const auto count = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / count;
    mean_y += y[i] / count;
  }
  double xx = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  if (!(xx > 0)) { // fewer than two different x: no line, and no made-up one
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    return {nan, nan};
  }
  const double slope = xy / xx;
  return {slope, mean_y - slope * mean_x};
}

} // namespace peakbench
