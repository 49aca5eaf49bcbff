#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/ep_settle.h"

namespace peakbench::kernels {
namespace {

EpSettle problem(std::int64_t depth, std::int64_t rows) {
  EpSettle call;
  call.rows = rows;
  call.first = std::max<std::int64_t>(0, depth - 6);
  for (std::int64_t i = 0; i < depth; ++i)
    call.layers.push_back({nullptr, nullptr, i == 0 ? 30 : 16, i + 1 == depth ? 10 : 16});
  return call;
}

TEST(EpLayout, MemoryDoesNotGrowWithDepth) {
  const auto of_depth = [](std::int64_t depth) { return ep_layout(problem(depth, 20), 2).floats; };
  EXPECT_EQ(of_depth(20), of_depth(90));
  EXPECT_LT(of_depth(4), of_depth(20));
}

TEST(EpLayout, MemoryDoesNotDependOnThreads) {
  for (const std::int64_t rows : {1, 16, 32, 40, 100})
    for (const int threads : {2, 3, 8}) {
      const EpLayout layout = ep_layout(problem(20, rows), threads);
      EXPECT_EQ(layout.floats, ep_layout(problem(20, rows), 1).floats);
      EXPECT_GE(layout.floats, layout.groups * layout.group_floats);
    }
}

TEST(EpLayout, GroupsHoldAllRowsAndFeedTheThreads) {
  for (const std::int64_t rows : {1, 16, 17, 32, 33, 100})
    for (const int threads : {1, 2, 8}) {
      const EpLayout layout = ep_layout(problem(5, rows), threads);
      EXPECT_GE(layout.groups * layout.group_rows, rows);
      EXPECT_LT((layout.groups - 1) * layout.group_rows, rows);
    }
  EXPECT_EQ(ep_layout(problem(5, 32), 2).groups, 2);
  EXPECT_EQ(ep_layout(problem(5, 32), 1).groups, 1);
}

} // namespace
} // namespace peakbench::kernels
