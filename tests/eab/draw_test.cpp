#include "eab/draw.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <random>
#include <set>

namespace peakbench::eab {
namespace {

struct Row {
  std::vector<float> logits;
  Filter filter;
  std::vector<kernels::TokenBlock> blocks;
  Distribution distribution;

  Row(std::vector<float> values, const Filter& how) : logits(std::move(values)), filter(how) {
    const auto vocabulary = static_cast<std::int64_t>(logits.size());
    blocks.resize(static_cast<std::size_t>(kernels::token_blocks(vocabulary)));
    kernels::token_block_sums(logits, filter.inverse_temperature(), kernels::TokenEdge{}, blocks);
    distribution = make_distribution(logits, blocks, vocabulary, filter);
  }
  double probability(std::size_t token) const {
    if (!distribution.keeps(logits[token], static_cast<std::int32_t>(token)))
      return 0;
    return std::exp(distribution.log_prob(logits[token]));
  }
  Draw draw(const RandomKey& key, Lineage lineage, std::int64_t position,
            std::int64_t count) const {
    std::vector<double> perturbed(blocks.size());
    perturb_blocks(distribution, blocks, key, lineage, position, perturbed);
    const auto read = [&](std::int32_t block) {
      const auto first = static_cast<std::size_t>(block * kernels::kTokenBlock);
      const auto size = std::min<std::size_t>(kernels::kTokenBlock, logits.size() - first);
      return std::span(logits).subspan(first, size);
    };
    return draw_tokens(distribution, perturbed, read, key, lineage, position, count);
  }
};

// A few tokens with real probability, spread over four blocks, the first of two and the last
// partial.
std::vector<float> few_likely_tokens() {
  std::vector<float> logits(900, -4.0F);
  const std::array<std::pair<std::size_t, float>, 7> likely = {
      {{3, 2.0F}, {4, 1.5F}, {255, 1.0F}, {256, 2.5F}, {600, 0.5F}, {601, 2.0F}, {899, 1.0F}}};
  for (const auto& [token, logit] : likely)
    logits[token] = logit;
  return logits;
}

// Chi-square over the tokens expected at least ten times, the others pooled; returned as the number
// of standard deviations above the mean of its distribution.
double excess(const std::map<std::vector<std::int32_t>, double>& expected,
              const std::map<std::vector<std::int32_t>, std::int64_t>& observed,
              std::int64_t draws) {
  double chi = 0;
  int cells = 0;
  double rest_expected = 0;
  double rest_observed = static_cast<double>(draws);
  for (const auto& [tokens, probability] : expected) {
    const double mean = probability * static_cast<double>(draws);
    const auto found = observed.find(tokens);
    const double count = found == observed.end() ? 0 : static_cast<double>(found->second);
    if (mean < 10) {
      rest_expected += mean;
      continue;
    }
    rest_observed -= count;
    chi += (count - mean) * (count - mean) / mean;
    ++cells;
  }
  if (rest_expected >= 10) {
    chi += (rest_observed - rest_expected) * (rest_observed - rest_expected) / rest_expected;
    ++cells;
  }
  const double freedom = cells - 1;
  return (chi - freedom) / std::sqrt(2 * freedom);
}

std::map<std::vector<std::int32_t>, std::int64_t> draw_many(const Row& row, std::int64_t draws,
                                                            std::int64_t count) {
  const RandomKey key(11, 12);
  std::map<std::vector<std::int32_t>, std::int64_t> observed;
  for (std::int64_t i = 0; i < draws; ++i) {
    std::vector<std::int32_t> tokens;
    for (const DrawnToken& drawn : row.draw(key, static_cast<Lineage>(i), 5, count).tokens)
      tokens.push_back(drawn.token);
    ++observed[tokens];
  }
  return observed;
}

std::map<std::vector<std::int32_t>, double> single_probabilities(const Row& row) {
  std::map<std::vector<std::int32_t>, double> expected;
  for (std::size_t i = 0; i < row.logits.size(); ++i)
    expected[{static_cast<std::int32_t>(i)}] = row.probability(i);
  return expected;
}

struct DrawCase {
  const char* name;
  Filter filter;
};

class OneToken : public ::testing::TestWithParam<DrawCase> {};

TEST_P(OneToken, FollowsTheDistribution) {
  const Row row(few_likely_tokens(), GetParam().filter);
  const std::int64_t draws = 20000;
  const auto observed = draw_many(row, draws, 1);
  EXPECT_LT(excess(single_probabilities(row), observed, draws), 4);
  // Negative control: another temperature does not fit.
  Filter wrong = GetParam().filter;
  wrong.temperature *= 1.15;
  EXPECT_GT(excess(single_probabilities(Row(few_likely_tokens(), wrong)), observed, draws), 4);
}

INSTANTIATE_TEST_SUITE_P(Filters, OneToken,
                         ::testing::Values(DrawCase{"none", {.temperature = 0.8}},
                                           DrawCase{"top_k", {.temperature = 1, .top_k = 5}},
                                           DrawCase{"top_p", {.temperature = 1.2, .top_p = 0.7}}),
                         [](const auto& test) { return std::string(test.param.name); });

// P(a, then b) = p(a) p(b) / (1 - p(a)).
TEST(TwoTokens, FollowDrawingWithoutReplacement) {
  const Row row(few_likely_tokens(), {.temperature = 0.7});
  const std::int64_t draws = 20000;
  const auto observed = draw_many(row, draws, 2);
  std::map<std::vector<std::int32_t>, double> exact;
  std::map<std::vector<std::int32_t>, double> with_replacement;
  for (std::size_t a = 0; a < row.logits.size(); ++a)
    for (std::size_t b = 0; b < row.logits.size(); ++b) {
      const double pair = row.probability(a) * row.probability(b);
      if (pair * static_cast<double>(draws) < 1e-3)
        continue;
      const std::vector<std::int32_t> tokens = {static_cast<std::int32_t>(a),
                                                static_cast<std::int32_t>(b)};
      with_replacement[tokens] = pair;
      if (a != b)
        exact[tokens] = pair / (1 - row.probability(a));
    }
  EXPECT_LT(excess(exact, observed, draws), 4);
  EXPECT_GT(excess(with_replacement, observed, draws), 4) << "the check tells the two apart";
}

// The perturbed values themselves: of k = 1 the maximum is Gumbel around log-sum-exp, of which the
// mean is known, and the second one given the first is too.
TEST(TwoTokens, FirstIsWhatOneDrawGives) {
  const Row row(few_likely_tokens(), {.temperature = 0.7});
  const RandomKey key(1, 2);
  for (Lineage lineage = 0; lineage < 200; ++lineage) {
    const Draw one = row.draw(key, lineage, 0, 1);
    const Draw three = row.draw(key, lineage, 0, 3);
    EXPECT_EQ(one.tokens[0].token, three.tokens[0].token);
    EXPECT_EQ(one.tokens[0].perturbed, three.tokens[0].perturbed);
    EXPECT_EQ(one.gap, three.tokens[0].perturbed - three.tokens[1].perturbed);
    EXPECT_LE(three.gap, one.gap);
    EXPECT_NE(three.tokens[0].token, three.tokens[1].token);
    EXPECT_NE(three.tokens[1].token, three.tokens[2].token);
    EXPECT_GE(three.tokens[1].perturbed, three.tokens[2].perturbed);
  }
}

// Over many draws of all tokens the perturbed values order as exact Gumbel top-k does: the expected
// rank sum of the likeliest token does not depend on which block it lies in.
TEST(TwoTokens, BlocksDoNotMatter) {
  std::vector<float> spread(1024, kernels::TokenEdge{}.logit);
  std::vector<float> together = spread;
  for (std::size_t i = 0; i < 4; ++i) {
    spread[i * 256] = static_cast<float>(i) * 0.5F;
    together[i] = static_cast<float>(i) * 0.5F;
  }
  const Row a(spread, {});
  const Row b(together, {});
  const std::int64_t draws = 20000;
  std::map<std::vector<std::int32_t>, std::int64_t> folded;
  for (const auto& [tokens, count] : draw_many(a, draws, 4)) {
    std::vector<std::int32_t> small = tokens;
    for (std::int32_t& token : small)
      token /= 256;
    folded[small] = count;
  }
  std::map<std::vector<std::int32_t>, double> exact;
  std::vector<std::int32_t> order = {0, 1, 2, 3};
  do {
    double probability = 1;
    double left = 1;
    for (const std::int32_t token : order) {
      probability *= b.probability(static_cast<std::size_t>(token)) / left;
      left -= b.probability(static_cast<std::size_t>(token));
    }
    exact[order] = probability;
  } while (std::next_permutation(order.begin(), order.end()));
  EXPECT_LT(excess(exact, folded, draws), 4) << "across blocks";
  EXPECT_LT(excess(exact, draw_many(b, draws, 4), draws), 4) << "inside one block";
}

TEST(DrawTokens, NeverMoreThanPossible) {
  std::vector<float> logits(1000, -std::numeric_limits<float>::infinity());
  logits[5] = 1;
  logits[700] = 0;
  const Row row(logits, {});
  const Draw draw = row.draw(RandomKey(1, 1), 0, 0, 5);
  ASSERT_EQ(draw.tokens.size(), 2U);
  EXPECT_NE(draw.tokens[0].token, draw.tokens[1].token);
  const Row filtered(few_likely_tokens(), {.top_k = 3});
  // 2.5, and both 2.0
  EXPECT_EQ(filtered.draw(RandomKey(1, 1), 0, 0, 50).tokens.size(), 3U);
}

// Rounding of the logits moves perturbed values by rounding: no draw with a wide gap changes.
TEST(DrawTokens, IsStableAgainstRounding) {
  std::mt19937 generator(5);
  std::normal_distribution<float> normal(0, 3);
  std::uniform_real_distribution<float> noise(-1e-5F, 1e-5F);
  const RandomKey key(3, 4);
  int compared = 0;
  for (Lineage lineage = 0; lineage < 100; ++lineage) {
    std::vector<float> logits(49152);
    for (float& value : logits)
      value = normal(generator);
    std::vector<float> moved = logits;
    for (float& value : moved)
      value += noise(generator);
    const Draw a = Row(logits, {.temperature = 0.8}).draw(key, lineage, 1, 3);
    const Draw b = Row(moved, {.temperature = 0.8}).draw(key, lineage, 1, 3);
    if (std::min(a.gap, b.gap) < 1e-3)
      continue;
    ++compared;
    for (std::size_t i = 0; i < 3; ++i) {
      ASSERT_EQ(a.tokens[i].token, b.tokens[i].token);
      EXPECT_NEAR(a.tokens[i].log_prob, b.tokens[i].log_prob, 1e-4);
    }
    for (std::size_t i = 1; i < 3; ++i)
      EXPECT_NEAR(a.tokens[i - 1].perturbed - a.tokens[i].perturbed,
                  b.tokens[i - 1].perturbed - b.tokens[i].perturbed, 1e-4);
  }
  EXPECT_GT(compared, 80);
}

// A large vocabulary reads few blocks.
TEST(DrawTokens, ReadsFewBlocks) {
  std::vector<float> logits(151936, 0);
  const Row row(logits, {});
  std::vector<double> perturbed(row.blocks.size());
  const RandomKey key(1, 1);
  perturb_blocks(row.distribution, row.blocks, key, 0, 0, perturbed);
  std::set<std::int32_t> seen;
  const auto read = [&](std::int32_t block) {
    seen.insert(block);
    const auto first = static_cast<std::size_t>(block * kernels::kTokenBlock);
    return std::span<const float>(logits).subspan(
        first, std::min<std::size_t>(256, logits.size() - first));
  };
  draw_tokens(row.distribution, perturbed, read, key, 0, 0, 3);
  EXPECT_LE(seen.size(), 4U);
  const std::vector<std::int32_t> leading = leading_blocks(perturbed, 4);
  for (const std::int32_t block : seen)
    EXPECT_NE(std::find(leading.begin(), leading.end(), block), leading.end());
}

} // namespace
} // namespace peakbench::eab
