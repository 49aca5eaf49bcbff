#include "eab/distribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "base/error.h"

namespace peakbench::eab {
namespace {

using ::testing::ElementsAre;

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

struct Filtered {
  Distribution distribution;
  std::vector<std::int32_t> kept;
};

Filtered filter(const std::vector<float>& row, const Filter& how) {
  const auto vocabulary = static_cast<std::int64_t>(row.size());
  std::vector<kernels::TokenBlock> blocks(
      static_cast<std::size_t>(kernels::token_blocks(vocabulary)));
  kernels::token_block_sums(row, how.inverse_temperature(), kernels::TokenEdge{}, blocks);
  Filtered result{make_distribution(row, blocks, vocabulary, how), {}};
  for (std::size_t i = 0; i < row.size(); ++i)
    if (result.distribution.keeps(row[i], static_cast<std::int32_t>(i)))
      result.kept.push_back(static_cast<std::int32_t>(i));
  return result;
}

// The slow way: sort everything, float64 throughout.
struct Oracle {
  std::vector<std::int32_t> kept;
  std::vector<double> probability; // of all tokens, 0 where not kept
  double entropy_nats = 0;
};

Oracle slow_filter(const std::vector<float>& row, const Filter& how) {
  const std::size_t count = row.size();
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return row[a] > row[b]; });
  std::size_t kept = count;
  const auto normaliser = [&] {
    double sum = 0;
    for (std::size_t r = 0; r < kept; ++r)
      sum += std::exp((static_cast<double>(row[order[r]]) - row[order[0]]) / how.temperature);
    return sum;
  };
  if (how.top_k > 0) {
    kept = std::min(count, static_cast<std::size_t>(how.top_k));
    while (kept < count && row[order[kept]] == row[order[kept - 1]])
      ++kept;
  }
  if (how.top_p < 1) {
    const double sum = normaliser();
    double mass = 0;
    std::size_t r = 0;
    for (; r < kept && mass < how.top_p * sum; ++r)
      mass += std::exp((static_cast<double>(row[order[r]]) - row[order[0]]) / how.temperature);
    kept = r;
  }
  Oracle oracle;
  oracle.probability.assign(count, 0);
  const double sum = normaliser();
  for (std::size_t r = 0; r < kept; ++r) {
    const double p =
        std::exp((static_cast<double>(row[order[r]]) - row[order[0]]) / how.temperature) / sum;
    oracle.probability[order[r]] = p;
    if (p > 0)
      oracle.entropy_nats -= p * std::log(p);
    if (p > 0)
      oracle.kept.push_back(static_cast<std::int32_t>(order[r]));
  }
  std::sort(oracle.kept.begin(), oracle.kept.end());
  return oracle;
}

TEST(Entropy, OfEqualLogitsIsOne) {
  const Filtered f = filter(std::vector<float>(1000, 2.5F), {});
  EXPECT_NEAR(f.distribution.entropy_nats, std::log(1000.0), 1e-6);
  EXPECT_LE(f.distribution.entropy, 1.0);
  EXPECT_NEAR(f.distribution.entropy, 1.0, 1e-7);
  EXPECT_EQ(f.distribution.support, 1000);
}

TEST(Entropy, OfOnePossibleTokenIsZero) {
  std::vector<float> row(10, kMinusInfinity);
  row[3] = 5;
  const Filtered f = filter(row, {});
  EXPECT_EQ(f.distribution.entropy, 0);
  EXPECT_EQ(f.distribution.support, 1);
  EXPECT_EQ(f.distribution.log_prob(5), 0);
  EXPECT_THAT(f.kept, ElementsAre(3));
}

// By hand: probabilities 1/2, 1/4, 1/8, 1/8 have 1.75 bits; V = 4, so Hn = 1.75 / 2.
TEST(Entropy, ByHand) {
  const std::vector<float> row = {std::log(4.0F), std::log(2.0F), 0, 0};
  const Filtered f = filter(row, {});
  EXPECT_NEAR(f.distribution.entropy_nats, 1.75 * std::log(2.0), 1e-6);
  EXPECT_NEAR(f.distribution.entropy, 0.875, 1e-6);
  EXPECT_NEAR(f.distribution.log_prob(row[0]), std::log(0.5), 1e-6);
}

// Temperature 1/2 squares the odds: 16, 4, 1, 1 of 22.
TEST(Entropy, TemperatureByHand) {
  const std::vector<float> row = {std::log(4.0F), std::log(2.0F), 0, 0};
  const Filtered f = filter(row, {.temperature = 0.5});
  double entropy = 0;
  for (const double p : {16.0 / 22, 4.0 / 22, 1.0 / 22, 1.0 / 22})
    entropy -= p * std::log(p);
  EXPECT_NEAR(f.distribution.entropy_nats, entropy, 1e-6);
  EXPECT_NEAR(f.distribution.log_prob(row[1]), std::log(4.0 / 22), 1e-6);
}

TEST(TopK, KeepsTiesOfTheKth) {
  const std::vector<float> row = {1, 3, 2, 2, 0, 2};
  EXPECT_THAT(filter(row, {.top_k = 1}).kept, ElementsAre(1));
  EXPECT_THAT(filter(row, {.top_k = 2}).kept, ElementsAre(1, 2, 3, 5));
  EXPECT_THAT(filter(row, {.top_k = 4}).kept, ElementsAre(1, 2, 3, 5));
  EXPECT_THAT(filter(row, {.top_k = 5}).kept, ElementsAre(0, 1, 2, 3, 5));
  EXPECT_EQ(filter(row, {.top_k = 6}).kept.size(), 6U);
  EXPECT_EQ(filter(row, {.top_k = 2}).distribution.support, 4);
  EXPECT_EQ(filter(row, {.top_k = 2}).distribution.edge_gap, 0) << "a tie at the edge";
  EXPECT_NEAR(filter(row, {.top_k = 4}).distribution.edge_gap, 1, 1e-6) << "from 2 to 1";
}

// 1/2, 1/4, 1/8, 1/8.
TEST(TopP, KeepsTheTokenThatCrosses) {
  const std::vector<float> row = {0, std::log(4.0F), 0, std::log(2.0F)};
  EXPECT_THAT(filter(row, {.top_p = 0.4}).kept, ElementsAre(1));
  EXPECT_THAT(filter(row, {.top_p = 0.51}).kept, ElementsAre(1, 3));
  EXPECT_THAT(filter(row, {.top_p = 0.74}).kept, ElementsAre(1, 3));
  EXPECT_THAT(filter(row, {.top_p = 0.80}).kept, ElementsAre(0, 1, 3)) << "of equals the first";
  EXPECT_EQ(filter(row, {.top_p = 0.999}).kept.size(), 4U);
  EXPECT_THAT(filter(row, {.top_p = 1e-9}).kept, ElementsAre(1)) << "never nothing";
}

// top-k first: of 1/2, 1/4, 1/8, 1/8 it leaves 2/3, 1/3, and 0.6 is reached at once.
TEST(TopP, AppliesToWhatTopKLeaves) {
  const std::vector<float> row = {0, std::log(4.0F), 0, std::log(2.0F)};
  EXPECT_THAT(filter(row, {.top_k = 2, .top_p = 0.6}).kept, ElementsAre(1));
  EXPECT_THAT(filter(row, {.top_k = 2, .top_p = 0.7}).kept, ElementsAre(1, 3));
  EXPECT_NEAR(filter(row, {.top_k = 2, .top_p = 0.7}).distribution.log_prob(row[3]),
              std::log(1.0 / 3), 1e-6);
}

TEST(Filters, BadLogitsDiverge) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> row(700, 0.5F);
    row[650] = bad;
    EXPECT_THROW(filter(row, {}), Diverged);
    EXPECT_THROW(filter(row, {.top_k = 3, .top_p = 0.5}), Diverged);
  }
  EXPECT_THROW(filter(std::vector<float>(5, kMinusInfinity), {}), Diverged);
}

// At temperature 0.01 a logit 8 below the best has probability e^-800, zero in any float.
TEST(Filters, UnderflowIsProbabilityZero) {
  std::vector<float> row(600, -8.0F);
  row[1] = 0;
  row[500] = -0.01F;
  const Filtered f = filter(row, {.temperature = 0.01});
  EXPECT_EQ(f.distribution.support, 2);
  EXPECT_THAT(f.kept, ElementsAre(1, 500));
}

struct FilterCase {
  std::size_t vocabulary;
  float spread;
  Filter filter;
};

class AgainstOracle : public ::testing::TestWithParam<FilterCase> {};

TEST_P(AgainstOracle, SameTokensEntropyAndProbabilities) {
  const FilterCase c = GetParam();
  for (std::uint32_t seed = 0; seed < 5; ++seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal(3, c.spread);
    std::vector<float> row(c.vocabulary);
    for (float& value : row)
      value = normal(generator);
    // Ties, as bfloat16 outputs make them.
    if (seed % 2 == 1)
      for (float& value : row)
        value = std::round(value * 8) / 8;
    const Filtered fast = filter(row, c.filter);
    const Oracle slow = slow_filter(row, c.filter);
    EXPECT_EQ(fast.kept, slow.kept);
    EXPECT_EQ(fast.distribution.support, static_cast<std::int64_t>(slow.kept.size()));
    EXPECT_NEAR(fast.distribution.entropy_nats, slow.entropy_nats, 2e-6);
    for (const std::int32_t token : slow.kept) {
      const auto i = static_cast<std::size_t>(token);
      ASSERT_NEAR(fast.distribution.log_prob(row[i]), std::log(slow.probability[i]), 2e-6);
    }
    // What the check would say of a filter one token too wide.
    if (c.filter.top_k > 0 && c.filter.top_p == 1 && seed % 2 == 0) {
      Filter wider = c.filter;
      ++wider.top_k;
      EXPECT_NE(filter(row, wider).kept, slow.kept);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Filters, AgainstOracle,
    ::testing::Values(FilterCase{512, 2, {}}, FilterCase{49152, 3, {.temperature = 0.8}},
                      FilterCase{49152, 0.01F, {.temperature = 1.3}},
                      FilterCase{49152, 3, {.temperature = 0.8, .top_k = 50}},
                      FilterCase{49152, 3, {.top_k = 1}}, FilterCase{1000, 3, {.top_k = 900}},
                      FilterCase{49152, 3, {.temperature = 0.8, .top_p = 0.9}},
                      FilterCase{49152, 3, {.temperature = 0.8, .top_p = 0.999}},
                      FilterCase{20000, 0.01F, {.top_p = 0.95}},
                      FilterCase{1000, 6, {.temperature = 0.5, .top_p = 0.3}},
                      FilterCase{49152, 3, {.temperature = 1.3, .top_k = 400, .top_p = 0.8}},
                      FilterCase{151936, 2, {.temperature = 1, .top_k = 50, .top_p = 0.95}}));

} // namespace
} // namespace peakbench::eab
