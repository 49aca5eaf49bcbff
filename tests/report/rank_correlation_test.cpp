#include "report/rank_correlation.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "support/support.h"

namespace peakbench::report {
namespace {

using ::testing::ElementsAre;
using Values = std::vector<double>;

TEST(RankCorrelationTest, TiesShareTheMeanOfTheirRanks) {
  EXPECT_THAT(average_ranks(Values{10, 30, 20}), ElementsAre(1, 3, 2));
  EXPECT_THAT(average_ranks(Values{5, 1, 5, 5, 9}), ElementsAre(3, 1, 3, 3, 5));
  EXPECT_THAT(average_ranks(Values{2, 2}), ElementsAre(1.5, 1.5));
  EXPECT_TRUE(average_ranks({}).empty());
}

// golden/make_rank_correlation.py: SciPy, and for few pairs all permutations by brute force.
TEST(RankCorrelationTest, AgreesWithSciPy) {
  const auto folder = peakbench::testing::source_folder() / "tests/report/golden";
  const auto golden =
      nlohmann::json::parse(peakbench::testing::read_file(folder / "rank_correlation.json"));
  ASSERT_GE(golden.at("cases").size(), 8u);
  for (const auto& one : golden.at("cases")) {
    SCOPED_TRACE(one.at("name").get<std::string>());
    const auto x = one.at("x").get<Values>(), y = one.at("y").get<Values>();
    const RankCorrelation found = rank_correlation(x, y);
    EXPECT_EQ(found.pairs, x.size());
    EXPECT_NEAR(found.rho, one.at("rho").get<double>(), 1e-12);
    EXPECT_NEAR(found.p, one.at("p").get<double>(), 1e-9);
    EXPECT_EQ(found.method, x.size() <= 9 ? "all permutations" : "Student's t");
    EXPECT_NEAR(rank_correlation(y, x).rho, found.rho, 1e-12);
    EXPECT_NEAR(rank_correlation(y, x).p, found.p, 1e-12);
  }
}

// Tables of Student's distribution: two-sided 5 % points.
TEST(RankCorrelationTest, StudentsDistribution) {
  EXPECT_NEAR(two_sided_t(12.7062047, 1), 0.05, 1e-8);
  EXPECT_NEAR(two_sided_t(4.3026527, 2), 0.05, 1e-8);
  EXPECT_NEAR(two_sided_t(-3.1824463, 3), 0.05, 1e-8);
  EXPECT_NEAR(two_sided_t(2.1603687, 13), 0.05, 1e-8);
  EXPECT_NEAR(two_sided_t(1.9842171, 96 + 1), 0.05, 1e-4);
  EXPECT_EQ(two_sided_t(0, 5), 1);
  EXPECT_NEAR(two_sided_t(std::numeric_limits<double>::infinity(), 8), 0, 1e-15);
}

TEST(RankCorrelationTest, CannotTellFromNothing) {
  for (const auto& [x, y] : std::vector<std::pair<Values, Values>>{
           {{}, {}}, {{1, 2}, {1, 2}}, {{1, 2, 3, 4}, {5, 5, 5, 5}}, {{7, 7, 7}, {1, 2, 3}}}) {
    const RankCorrelation found = rank_correlation(x, y);
    EXPECT_TRUE(std::isnan(found.rho));
    EXPECT_TRUE(std::isnan(found.p));
    EXPECT_TRUE(found.method.empty());
  }
}

TEST(RankCorrelationTest, PairsWithAnAbsentFigureAreLeftOut) {
  const RankCorrelation found = rank_correlation(Values{1, 2, NAN, 3, 4}, Values{1, 2, 9, NAN, 3});
  EXPECT_EQ(found.pairs, 3u);
  EXPECT_DOUBLE_EQ(found.rho, 1);
  EXPECT_DOUBLE_EQ(found.p, 2.0 / 6); // both straight orders of six
}

TEST(RankCorrelationTest, PerfectOrderOfManyHasNoChance) {
  Values x, y;
  for (int i = 0; i < 20; ++i) {
    x.push_back(i);
    y.push_back(std::exp(-i));
  }
  const RankCorrelation found = rank_correlation(x, y);
  EXPECT_DOUBLE_EQ(found.rho, -1);
  EXPECT_LT(found.p, 1e-12);
}

} // namespace
} // namespace peakbench::report
