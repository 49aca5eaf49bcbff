#include "base/statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

namespace peakbench {
namespace {

std::vector<double> one_to(int n) {
  std::vector<double> values(static_cast<std::size_t>(n));
  std::iota(values.begin(), values.end(), 1.0);
  return values;
}

TEST(Summary, OfNothingIsEmpty) {
  const Summary summary = summarize({});
  EXPECT_EQ(summary.count, 0);
  EXPECT_EQ(summary.coverage, 0);
}

TEST(Summary, OfOneValueClaimsNoCoverage) {
  const Summary summary = summarize(std::vector{3.0});
  EXPECT_EQ(summary.median, 3);
  EXPECT_EQ(summary.lower, 3);
  EXPECT_EQ(summary.upper, 3);
  EXPECT_EQ(summary.coverage, 0);
  EXPECT_EQ(summary.standard_deviation, 0);
}

TEST(Summary, DescribesUnsortedValues) {
  const Summary summary = summarize(std::vector{4.0, 1.0, 9.0, 2.0});
  EXPECT_EQ(summary.count, 4);
  EXPECT_EQ(summary.median, 3);
  EXPECT_EQ(summary.minimum, 1);
  EXPECT_EQ(summary.maximum, 9);
  EXPECT_EQ(summary.mean, 4);
  EXPECT_NEAR(summary.standard_deviation, std::sqrt((9 + 4 + 0 + 25) / 3.0), 1e-12);
}

TEST(Summary, DoesNotCancelInTheDeviation) {
  EXPECT_NEAR(summarize(std::vector{1e9 + 1, 1e9 + 2, 1e9 + 3}).standard_deviation, 1, 1e-6);
}

// The ranks are those of the printed tables of the sign test's interval (Conover, table A3).
TEST(Summary, IntervalHasTheRanksOfTheTables) {
  struct Row {
    int n, lower, upper;
    double coverage;
  };
  for (const Row& row :
       {Row{2, 1, 2, 0.5}, Row{5, 1, 5, 0.9375}, Row{6, 1, 6, 0.96875}, Row{8, 1, 8, 0.9921875},
        Row{9, 2, 8, 0.9609375}, Row{10, 2, 9, 0.978515625}, Row{20, 6, 15, 0.9586105}}) {
    const Summary summary = summarize(one_to(row.n));
    EXPECT_EQ(summary.lower, row.lower) << row.n;
    EXPECT_EQ(summary.upper, row.upper) << row.n;
    EXPECT_NEAR(summary.coverage, row.coverage, 1e-7) << row.n;
  }
}

TEST(Summary, IntervalOfManyValuesDoesNotUnderflow) {
  const Summary summary = summarize(one_to(5000));
  // Normal approximation: half width 0.98 sqrt(n).
  EXPECT_NEAR(summary.lower, 2500.5 - 0.98 * std::sqrt(5000.0), 2);
  EXPECT_NEAR(summary.upper, 2500.5 + 0.98 * std::sqrt(5000.0), 2);
  EXPECT_GE(summary.coverage, 0.95);
  EXPECT_LT(summary.coverage, 0.955);
}

TEST(Summary, IntervalCoversTheMedianOfASkewedDistributionAsOftenAsItSays) {
  constexpr int kValues = 15, kTrials = 20000;
  std::mt19937_64 random(11);
  std::exponential_distribution<double> skewed(1.0);
  int covered = 0, narrower_covered = 0;
  double claimed = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> values(kValues);
    for (double& value : values)
      value = skewed(random);
    const Summary summary = summarize(values);
    claimed = summary.coverage;
    covered += summary.lower <= std::log(2.0) && std::log(2.0) <= summary.upper;
    // Negative control: one rank narrower on both sides falls short of 95 %.
    std::sort(values.begin(), values.end());
    const double lower = *std::upper_bound(values.begin(), values.end(), summary.lower);
    const double upper = *(std::lower_bound(values.begin(), values.end(), summary.upper) - 1);
    narrower_covered += lower <= std::log(2.0) && std::log(2.0) <= upper;
  }
  EXPECT_NEAR(covered / double{kTrials}, claimed, 0.005);
  EXPECT_GE(claimed, 0.95);
  EXPECT_LT(narrower_covered / double{kTrials}, 0.95);
}

TEST(Summary, RelativeWidthIsOfTheMedian) {
  EXPECT_NEAR(summarize(std::vector{9.0, 10.0, 12.0}).relative_width(), 0.3, 1e-12);
  EXPECT_EQ(Summary{}.relative_width(), 0);
}

TEST(Regression, FindsALine) {
  const std::vector<double> depth{10, 50, 100, 500}, bytes{1010, 1050, 1100, 1500};
  const Line line = regress(depth, bytes);
  EXPECT_NEAR(line.slope, 1, 1e-12);
  EXPECT_NEAR(line.intercept, 1000, 1e-9);
}

TEST(Regression, MinimizesTheSquares) {
  const std::vector<double> x{0, 1, 2}, y{0, 1, 5};
  const Line line = regress(x, y);
  EXPECT_NEAR(line.slope, 2.5, 1e-12);
  EXPECT_NEAR(line.intercept, -0.5, 1e-12);
}

TEST(Regression, OfOneAbscissaIsAbsent) {
  EXPECT_TRUE(std::isnan(regress(std::vector{3.0}, std::vector{1.0}).slope));
  EXPECT_TRUE(std::isnan(regress(std::vector{3.0, 3.0}, std::vector{1.0, 2.0}).slope));
  EXPECT_TRUE(std::isnan(regress({}, {}).intercept));
}

} // namespace
} // namespace peakbench
