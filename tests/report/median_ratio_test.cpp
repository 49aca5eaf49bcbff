#include "report/median_ratio.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>

#include "results/python.h"
#include "support/support.h"

namespace peakbench::report {
namespace {

using Json = nlohmann::json;
using Values = std::vector<double>;
using ::testing::DoubleEq;
using ::testing::Pointwise;

// tests/report/compare_oracle.py: brute force over all drawings, and SciPy's bootstrap.
Json golden() {
  return Json::parse(peakbench::testing::read_file(peakbench::testing::source_folder() /
                                                   "tests/report/golden/compare.json"));
}

TEST(MedianRatioTest, TheMediansOfAllDrawings) {
  int checked = 0;
  const Json stored = golden();
  for (const Json& one : stored.at("medians")) {
    const auto values = one.at("values").get<Values>(), medians = one.at("medians").get<Values>();
    const auto probability = one.at("probability").get<Values>();
    const MedianDistribution found = bootstrap_of_median(values);
    Values summed(medians.size(), 0.0); // equal values are separate entries of ours
    for (std::size_t i = 0; i < found.values.size(); ++i) {
      const auto nearest = std::ranges::min_element(
          medians, {}, [&](double median) { return std::abs(median - found.values[i]); });
      EXPECT_NEAR(*nearest, found.values[i], 1e-14);
      summed[static_cast<std::size_t>(nearest - medians.begin())] += found.probability[i];
    }
    for (std::size_t i = 0; i < medians.size(); ++i)
      EXPECT_NEAR(summed[i], probability[i], 1e-12) << values.size() << " values";
    EXPECT_TRUE(std::ranges::is_sorted(found.values));
    ++checked;
  }
  EXPECT_GE(checked, 8);
}

TEST(MedianRatioTest, ProbabilitiesOfManyValuesSumToOneAndSpreadAsTheorySays) {
  for (const int n : {50, 51, 1000, 1001}) {
    Values values(static_cast<std::size_t>(n));
    std::iota(values.begin(), values.end(), 0.0);
    const MedianDistribution found = bootstrap_of_median(values);
    double sum = 0, mean = 0, square = 0;
    for (std::size_t i = 0; i < found.values.size(); ++i) {
      sum += found.probability[i];
      mean += found.probability[i] * found.values[i];
      square += found.probability[i] * found.values[i] * found.values[i];
    }
    EXPECT_NEAR(sum, 1, 1e-12);
    EXPECT_NEAR(mean, (n - 1) / 2.0, 1e-6);
    // The median of n uniform values has variance width^2 / (4 n), but for terms of 1 / n.
    EXPECT_NEAR(std::sqrt(square - mean * mean) / (n / (2 * std::sqrt(n))), 1, 0.05);
  }
}

TEST(MedianRatioTest, TheIntervalOfAllDrawingsByForce) {
  const Json stored = golden();
  int checked = 0;
  for (const Json& one : stored.at("small")) {
    ++checked;
    const auto now = one.at("now").get<Values>(), before = one.at("before").get<Values>();
    const double confidence = one.at("confidence").get<double>();
    const Ratio found = ratio_of_medians(now, before, confidence);
    EXPECT_THAT((Values{found.lower, found.upper}),
                Pointwise(DoubleEq(), one.at("interval").get<Values>()))
        << now.size() << " and " << before.size();
  }
  EXPECT_GE(checked, 14);
}

// The negative control: the interval for another confidence is outside of the band.
TEST(MedianRatioTest, TheIntervalOfSciPysBootstrapWithinItsError) {
  int outside = 0;
  const Json stored = golden();
  for (const Json& one : stored.at("large")) {
    const auto now = one.at("now").get<Values>(), before = one.at("before").get<Values>();
    const Ratio found = ratio_of_medians(now, before);
    const auto bands = one.at("bands").get<std::vector<Values>>();
    EXPECT_DOUBLE_EQ(found.ratio, one.at("ratio").get<double>());
    EXPECT_GE(found.lower, bands[0][0]);
    EXPECT_LE(found.lower, bands[0][1]);
    EXPECT_GE(found.upper, bands[1][0]);
    EXPECT_LE(found.upper, bands[1][1]);
    const Ratio narrower = ratio_of_medians(now, before, 0.8);
    outside += narrower.lower > bands[0][1] && narrower.upper < bands[1][0];
  }
  EXPECT_EQ(outside, 4);
}

TEST(MedianRatioTest, TheMeanOverCasesWithinTheErrorOfItsDrawings) {
  int outside = 0;
  const Json stored = golden();
  for (const Json& one : stored.at("means")) {
    std::vector<Samples> cases;
    for (const Json& samples : one.at("cases"))
      cases.push_back({samples.at("now").get<Values>(), samples.at("before").get<Values>()});
    const Ratio found = mean_ratio(cases), again = mean_ratio(cases);
    const auto bands = one.at("bands").get<std::vector<Values>>();
    EXPECT_NEAR(found.ratio, one.at("ratio").get<double>(), 1e-12);
    EXPECT_GE(found.lower, bands[0][0]);
    EXPECT_LE(found.lower, bands[0][1]);
    EXPECT_GE(found.upper, bands[1][0]);
    EXPECT_LE(found.upper, bands[1][1]);
    EXPECT_EQ(found.lower, again.lower); // no chance in it
    EXPECT_EQ(found.upper, again.upper);
    const Ratio narrower = mean_ratio(cases, 0.8);
    outside += narrower.lower > bands[0][1] && narrower.upper < bands[1][0];
  }
  EXPECT_EQ(outside, 3);
}

// How often the interval holds the true ratio, of many experiments with known truth.
double coverage(std::size_t n, double confidence, int experiments = 2000) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  int held = 0;
  for (int experiment = 0; experiment < experiments; ++experiment) {
    Values now(n), before(n);
    for (double& value : now)
      value = 1.1 * std::exp(0.1 * normal(random));
    for (double& value : before)
      value = std::exp(0.1 * normal(random));
    const Ratio found = ratio_of_medians(now, before, confidence);
    held += found.lower <= 1.1 && 1.1 <= found.upper;
  }
  return static_cast<double>(held) / experiments;
}

TEST(MedianRatioTest, IntervalsCoverWhatTheySay) {
  std::string measured;
  for (const std::size_t n : {3u, 4u, 5u, 10u, 21u}) {
    const double share = coverage(n, 0.95);
    measured += std::to_string(n) + ": " + std::to_string(share) + "  ";
    EXPECT_GE(share, n < 5 ? 0.88 : 0.935) << n << " values";
  }
  RecordProperty("coverage", measured);
  // The control: an interval that claims less covers less.
  EXPECT_LT(coverage(10, 0.5), 0.7);
}

TEST(MedianRatioTest, NothingIsToldWhereNothingIsKnown) {
  EXPECT_TRUE(std::isnan(ratio_of_medians({}, Values{1}).ratio));
  EXPECT_TRUE(std::isnan(ratio_of_medians(Values{1}, Values{0, 1}).ratio));
  EXPECT_TRUE(std::isnan(ratio_of_medians(Values{INFINITY}, Values{1}).ratio));
  const Ratio one = ratio_of_medians(Values{3}, Values{2, 2.5, 1});
  EXPECT_DOUBLE_EQ(one.ratio, 1.5);
  EXPECT_TRUE(std::isnan(one.lower));
  EXPECT_TRUE(std::isnan(mean_ratio({}).ratio));
  const std::vector<Samples> cases{{{2}, {1}}, {{8, 8}, {1, 1}}, {{}, {1}}};
  EXPECT_DOUBLE_EQ(mean_ratio(cases).ratio, 4);
  EXPECT_TRUE(std::isnan(mean_ratio(cases).lower));
}

// The oracle itself, where there is a SciPy: what it says now is what is stored.
TEST(MedianRatioTest, TheOracleSaysSoStill) {
  PEAKBENCH_NEEDS_PYTHON(python, "scipy");
  const peakbench::testing::ScratchFolder scratch;
  const std::string script =
      (peakbench::testing::source_folder() / "tests/report/compare_oracle.py").string();
  const auto output =
      results::testing::run_program(python + " " + results::testing::quoted(script) + " " +
                                    results::testing::quoted((scratch / "compare.json").string()));
  ASSERT_EQ(output.status, 0) << output.text;
  Json now = Json::parse(peakbench::testing::read_file(scratch / "compare.json"));
  Json stored = golden();
  now.erase("scipy");
  stored.erase("scipy");
  const Json was = stored.flatten(), is = now.flatten();
  ASSERT_EQ(is.size(), was.size());
  for (const auto& [key, value] : was.items()) {
    if (!value.is_number())
      continue;
    const double stored_number = value.get<double>();
    EXPECT_NEAR(is.at(key).get<double>(), stored_number, 1e-9 * std::abs(stored_number)) << key;
  }
}

} // namespace
} // namespace peakbench::report
