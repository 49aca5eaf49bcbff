#include "kernels/token_distribution.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

namespace peakbench::kernels {
namespace {

std::vector<float> random_row(std::size_t count, float spread, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> row(count);
  for (float& value : row)
    value = normal(generator);
  return row;
}

// Greatest difference between fast and slow, relative to the block's sum.
double difference(const std::vector<TokenBlock>& a, const std::vector<TokenBlock>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].maximum != b[i].maximum || a[i].minimum != b[i].minimum)
      return 1e30;
    if (b[i].sum == 0 && a[i].sum == 0)
      continue;
    worst = std::max({worst, std::abs(a[i].sum - b[i].sum) / static_cast<double>(b[i].sum),
                      std::abs(a[i].weighted - b[i].weighted) / (1.0 + std::abs(b[i].weighted))});
  }
  return worst;
}

struct Case {
  std::size_t vocabulary;
  float spread, inverse_temperature;
};

// On every instruction set this machine has.
class TokenBlockSums : public ::testing::TestWithParam<Case> {
protected:
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

TEST_P(TokenBlockSums, AgreesWithTheOracleOnEveryInstructionSet) {
  const Case c = GetParam();
  std::vector<float> row = random_row(c.vocabulary, c.spread, 1);
  row[c.vocabulary / 2] = -std::numeric_limits<float>::infinity();
  const float middle = row[0];
  for (const TokenEdge& edge : {TokenEdge{}, TokenEdge{middle, 0}, TokenEdge{1e9F, 0}}) {
    std::vector<TokenBlock> slow(
        static_cast<std::size_t>(token_blocks(static_cast<std::int64_t>(row.size()))));
    token_block_sums_reference(row, c.inverse_temperature, edge, slow);
    for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
      hwy::SetSupportedTargetsForTest(target);
      for (std::size_t offset = 0; offset < 3; ++offset) { // rows of a matrix are not aligned
        std::vector<float> moved(offset, 0.0F);
        moved.insert(moved.end(), row.begin(), row.end());
        std::vector<TokenBlock> fast(slow.size());
        token_block_sums(std::span(moved).subspan(offset), c.inverse_temperature, edge, fast);
        EXPECT_LT(difference(fast, slow), 2e-6) << hwy::TargetName(target);
      }
      hwy::SetSupportedTargetsForTest(0);
    }
    // The check sees a temperature that is off by a thousandth.
    if (edge.logit > 1e8F || c.vocabulary < 3)
      continue;
    std::vector<TokenBlock> wrong(slow.size());
    token_block_sums(row, c.inverse_temperature * 1.001F, edge, wrong);
    EXPECT_GT(difference(wrong, slow), 2e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, TokenBlockSums,
                         ::testing::Values(Case{2, 3, 1}, Case{255, 3, 1.25F}, Case{256, 3, 1},
                                           Case{257, 8, 0.5F}, Case{512, 3, 2},
                                           Case{49152, 3, 1.25F}, Case{151936, 60, 10}));

TEST(TokenBlockSums, NaNAndInfinityAreSeenWhereverTheyAre) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const std::size_t where :
         {std::size_t{0}, std::size_t{17}, std::size_t{300}, std::size_t{599}}) {
      std::vector<float> row = random_row(600, 1, 2);
      row[where] = bad;
      std::vector<TokenBlock> blocks(3);
      token_block_sums(row, 1, TokenEdge{}, blocks);
      for (std::size_t b = 0; b < 3; ++b)
        EXPECT_EQ(std::isnan(blocks[b].maximum), b == where / 256) << where;
    }
  }
}

TEST(TokenBlockSums, ImpossibleTokensAddNothing) {
  const std::vector<float> row(300, -std::numeric_limits<float>::infinity());
  std::vector<TokenBlock> blocks(2);
  token_block_sums(row, 1, TokenEdge{}, blocks);
  for (const TokenBlock& block : blocks) {
    EXPECT_EQ(block.sum, 0);
    EXPECT_EQ(block.weighted, 0);
    EXPECT_EQ(block.maximum, -std::numeric_limits<float>::infinity());
  }
}

TEST(TokenBlockSums, MatrixIsRowByRow) {
  const at::Tensor logits = at::randn({5, 1000});
  const at::Tensor all = token_block_sums(logits, 1.25F);
  ASSERT_EQ(all.sizes(), (std::vector<std::int64_t>{5, 4, 4}));
  for (std::int64_t r = 0; r < 5; ++r) {
    std::vector<TokenBlock> one(4);
    token_block_sums({logits.const_data_ptr<float>() + r * 1000, 1000}, 1.25F, TokenEdge{}, one);
    EXPECT_EQ(std::memcmp(one.data(), all[r].const_data_ptr<float>(), sizeof(TokenBlock) * 4), 0);
  }
}

TEST(TokensAtLeast, FindsExactlyThem) {
  const std::vector<float> row = random_row(1003, 2, 3);
  std::vector<TokenBlock> blocks(4);
  token_block_sums(row, 1, TokenEdge{}, blocks);
  for (const float least : {-100.0F, 0.0F, row[1002], 100.0F}) {
    std::vector<TokenLogit> found;
    tokens_at_least(row, blocks, least, found);
    std::size_t next = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (row[i] < least)
        continue;
      ASSERT_LT(next, found.size());
      EXPECT_EQ(found[next].token, static_cast<std::int32_t>(i));
      EXPECT_EQ(found[next].logit, row[i]);
      ++next;
    }
    EXPECT_EQ(next, found.size());
  }
}

} // namespace
} // namespace peakbench::kernels
