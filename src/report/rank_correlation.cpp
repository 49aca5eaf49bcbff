#include "report/rank_correlation.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

namespace peakbench::report {

namespace {

constexpr std::size_t kLeastPairs = 3;
constexpr std::size_t kMostExact = 9; // 9! = 362,880 permutations
constexpr double kSame = 1e-12;       // sums of halves differ by rounding at most this much

double pearson(std::span<const double> x, std::span<const double> y) {
  const auto count = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / count;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / count;
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean_x) * (y[i] - mean_y);
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
  }
  return xy / std::sqrt(xx * yy);
}

// Under "no relation" every assignment of the ranks y to the ranks x is equally likely.
double exact_p(std::span<const double> x, std::span<const double> y, double rho) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), 0u);
  std::vector<double> permuted(y.size());
  std::size_t all = 0, as_great = 0;
  do {
    for (std::size_t i = 0; i < order.size(); ++i)
      permuted[i] = y[order[i]];
    ++all;
    as_great += std::abs(pearson(x, permuted)) >= std::abs(rho) - kSame;
  } while (std::next_permutation(order.begin(), order.end()));
  return static_cast<double>(as_great) / static_cast<double>(all);
}

} // namespace

std::vector<double> average_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]])
      ++end;
    for (std::size_t i = begin; i < end; ++i)
      ranks[order[i]] = static_cast<double>(begin + end + 1) / 2;
    begin = end;
  }
  return ranks;
}

double two_sided_t(double t, std::size_t degrees) {
  const double theta = std::atan(std::abs(t) / std::sqrt(static_cast<double>(degrees)));
  const double cosine = std::cos(theta), square = cosine * cosine;
  const bool odd = degrees % 2 == 1;
  double term = odd ? cosine : 1, sum = 0;
  for (std::size_t k = odd ? 1 : 0; k + 2 <= degrees; k += 2) {
    sum += term;
    term *= square * static_cast<double>(k + 1) / static_cast<double>(k + 2);
  }
  const double within =
      odd ? 2 / std::numbers::pi * (theta + std::sin(theta) * sum) : std::sin(theta) * sum;
  return std::clamp(1 - within, 0.0, 1.0);
}

RankCorrelation rank_correlation(std::span<const double> x, std::span<const double> y) {
  std::vector<double> known_x, known_y;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!std::isnan(x[i]) && !std::isnan(y[i])) {
      known_x.push_back(x[i]);
      known_y.push_back(y[i]);
    }
  RankCorrelation result;
  const std::size_t pairs = result.pairs = known_x.size();
  const auto varies = [](const std::vector<double>& values) {
    return std::ranges::any_of(values, [&](double value) { return value != values.front(); });
  };
  if (pairs < kLeastPairs || !varies(known_x) || !varies(known_y))
    return result;
  const std::vector<double> ranks_x = average_ranks(known_x), ranks_y = average_ranks(known_y);
  result.rho = std::clamp(pearson(ranks_x, ranks_y), -1.0, 1.0);
  if (pairs <= kMostExact) {
    result.p = exact_p(ranks_x, ranks_y, result.rho);
    result.method = "all permutations";
    return result;
  }
  const auto degrees = static_cast<double>(pairs - 2);
  result.p =
      two_sided_t(result.rho * std::sqrt(degrees / (1 - result.rho * result.rho)), pairs - 2);
  result.method = "Student's t";
  return result;
}

} // namespace peakbench::report
