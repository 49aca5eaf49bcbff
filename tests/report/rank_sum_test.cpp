#include "report/rank_sum.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "support/support.h"

namespace peakbench::report {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using Values = std::vector<double>;

// tests/report/compare_oracle.py: SciPy's mannwhitneyu.
TEST(RankSumTest, AgreesWithSciPy) {
  const auto golden = nlohmann::json::parse(peakbench::testing::read_file(
      peakbench::testing::source_folder() / "tests/report/golden/compare.json"));
  int exact = 0, normal = 0;
  for (const auto& one : golden.at("rank_sums")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    const auto x = one.at("x").get<Values>(), y = one.at("y").get<Values>();
    const RankSum found = rank_sum_test(x, y), mirrored = rank_sum_test(y, x);
    EXPECT_EQ(found.method, one.at("method").get<std::string>());
    const bool is_exact = found.method == "exact";
    ++(is_exact ? exact : normal);
    const double p = one.at("p").get<double>();
    EXPECT_DOUBLE_EQ(found.u, one.at("u").get<double>());
    EXPECT_NEAR(found.p / p, 1, is_exact ? 1e-12 : 1e-9);
    EXPECT_DOUBLE_EQ(found.u + mirrored.u, static_cast<double>(x.size() * y.size()));
    EXPECT_NEAR(mirrored.p / p, 1, is_exact ? 1e-12 : 1e-9);
    if (is_exact) {
      EXPECT_GE(p * (1 + 1e-12), least_p(x.size(), y.size()));
    }
  }
  EXPECT_GE(exact, 10);
  EXPECT_GE(normal, 5);
}

TEST(RankSumTest, ThreeAndThreeCannotBeBelowATenth) {
  EXPECT_DOUBLE_EQ(rank_sum_test(Values{4, 5, 6}, Values{1, 2, 3}).p, 0.1);
  EXPECT_NEAR(least_p(3, 3), 0.1, 1e-12);
  EXPECT_NEAR(least_p(4, 4), 2.0 / 70, 1e-12);
  EXPECT_EQ(least_p(0, 5), 1);
  EXPECT_EQ(least_p(1, 1), 1);
}

TEST(RankSumTest, NothingIsToldOfNothing) {
  EXPECT_TRUE(std::isnan(rank_sum_test({}, Values{1, 2}).p));
  EXPECT_TRUE(rank_sum_test(Values{1, 2}, {}).method.empty());
  EXPECT_EQ(rank_sum_test(Values{2, 2, 2}, Values{2, 2}).p, 1);
}

// Of samples that do not differ at most 5 % are told to differ; of those that do, nearly all.
TEST(RankSumTest, FalseAlarmsAreAsRareAsTheySay) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  const auto alarms = [&](double shift) {
    int count = 0;
    for (int experiment = 0; experiment < 2000; ++experiment) {
      Values x, y;
      for (int i = 0; i < 10; ++i) {
        x.push_back(normal(random) + shift);
        y.push_back(normal(random));
      }
      count += rank_sum_test(x, y).p < 0.05;
    }
    return count / 2000.0;
  };
  EXPECT_LE(alarms(0), 0.05 + 0.015); // 3 standard errors
  EXPECT_GE(alarms(0), 0.02);         // nor never
  EXPECT_GE(alarms(2), 0.95);         // the control: a real difference
}

// SciPy's binomtest.
TEST(SignTest, AgreesWithSciPy) {
  const auto golden = nlohmann::json::parse(peakbench::testing::read_file(
      peakbench::testing::source_folder() / "tests/report/golden/compare.json"));
  ASSERT_GE(golden.at("signs").size(), 8u);
  for (const auto& one : golden.at("signs")) {
    const auto positive = one.at("positive").get<std::size_t>();
    const auto negative = one.at("negative").get<std::size_t>();
    EXPECT_NEAR(sign_test_p(positive, negative) / one.at("p").get<double>(), 1, 1e-9);
    EXPECT_EQ(sign_test_p(positive, negative), sign_test_p(negative, positive));
  }
  EXPECT_EQ(sign_test_p(0, 0), 1);
}

TEST(Holm, StepsDown) {
  // By hand: 4 x 0.005, 3 x 0.01, 2 x 0.03, 1 x 0.04, never below the one before.
  EXPECT_THAT(holm(Values{0.01, 0.04, 0.03, 0.005}),
              ElementsAre(DoubleEq(0.03), DoubleEq(0.06), DoubleEq(0.06), DoubleEq(0.02)));
  EXPECT_THAT(holm(Values{0.5, 0.9}), ElementsAre(1, 1));
  EXPECT_TRUE(holm({}).empty());
  const Values with_nan = holm(Values{0.01, NAN, 0.02});
  EXPECT_DOUBLE_EQ(with_nan[0], 0.02);
  EXPECT_TRUE(std::isnan(with_nan[1]));
  EXPECT_DOUBLE_EQ(with_nan[2], 0.02);
}

// Twenty comparisons of what does not differ: without Holm two runs of three have a false alarm.
TEST(Holm, KeepsFalseAlarmsOfAllTogetherAtFivePercent) {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> uniform;
  int raw = 0, adjusted = 0;
  for (int experiment = 0; experiment < 4000; ++experiment) {
    Values p(20);
    for (double& one : p)
      one = uniform(random);
    const Values stepped = holm(p);
    raw += *std::ranges::min_element(p) < 0.05;
    adjusted += *std::ranges::min_element(stepped) < 0.05;
  }
  EXPECT_NEAR(adjusted / 4000.0, 0.05, 0.012);
  EXPECT_GT(raw / 4000.0, 0.55);
}

} // namespace
} // namespace peakbench::report
