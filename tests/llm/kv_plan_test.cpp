#include "llm/kv_plan.h"

#include <gtest/gtest.h>

#include <vector>

namespace peakbench::llm {
namespace {

using kernels::SlotRun;
using Runs = std::vector<SlotRun>;

kernels::TreeAttentionPlan plan(const std::vector<Runs>& paths) {
  return plan_attention(std::vector<std::span<const SlotRun>>(paths.begin(), paths.end()));
}

TEST(KvPlan, SharesTheCommonRuns) {
  const auto p = plan({{{0, 0, 20}, {1, 3, 2}, {1, 8, 1}}, {{0, 0, 20}, {1, 3, 2}, {2, 0, 1}}});
  EXPECT_EQ(p.shared, (Runs{{0, 0, 20}, {1, 3, 2}}));
  EXPECT_EQ(p.own, (Runs{{1, 8, 1}, {2, 0, 1}}));
  EXPECT_EQ(p.own_begin, (std::vector<std::int32_t>{0, 1, 2}));
}

TEST(KvPlan, ARunThatGrewInOnePathIsSharedInPart) {
  const auto p = plan({{{0, 0, 21}}, {{0, 0, 20}, {0, 21, 1}}, {{0, 0, 20}, {0, 22, 1}}});
  EXPECT_EQ(p.shared, (Runs{{0, 0, 20}}));
  EXPECT_EQ(p.own, (Runs{{0, 20, 1}, {0, 21, 1}, {0, 22, 1}}));
  const auto other_order = plan({{{0, 0, 20}, {0, 21, 1}}, {{0, 0, 21}}});
  EXPECT_EQ(other_order.shared, (Runs{{0, 0, 20}}));
  EXPECT_EQ(other_order.own, (Runs{{0, 21, 1}, {0, 20, 1}}));
}

TEST(KvPlan, TheShortestCommonBeginningCounts) {
  const auto p = plan({{{0, 0, 9}, {0, 10, 1}}, {{0, 0, 9}, {0, 11, 1}}, {{0, 0, 4}, {3, 0, 6}}});
  EXPECT_EQ(p.shared, (Runs{{0, 0, 4}}));
  EXPECT_EQ(p.own, (Runs{{0, 4, 5}, {0, 10, 1}, {0, 4, 5}, {0, 11, 1}, {3, 0, 6}}));
  EXPECT_EQ(p.own_begin, (std::vector<std::int32_t>{0, 2, 4, 5}));
}

TEST(KvPlan, DensePathsShareNothingAndOnePathEverything) {
  EXPECT_TRUE(plan({{{0, 0, 5}}, {{0, 5, 5}}}).shared.empty());
  EXPECT_TRUE(plan({{{0, 0, 5}}, {{1, 0, 5}}}).shared.empty());
  const auto one = plan({{{0, 0, 5}, {1, 0, 2}}});
  EXPECT_EQ(one.shared, (Runs{{0, 0, 5}, {1, 0, 2}}));
  EXPECT_TRUE(one.own.empty());
  EXPECT_EQ(plan({}).paths(), 0);
}

} // namespace
} // namespace peakbench::llm
