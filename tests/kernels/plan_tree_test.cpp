#include "kernels/plan_tree.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace peakbench::kernels {
namespace {

using Runs = std::vector<SlotRun>;

TreeAttentionPlan plan(const std::vector<Runs>& paths) {
  return plan_tree(std::vector<std::span<const SlotRun>>(paths.begin(), paths.end()));
}

// "paths@first token+tokens" of every segment, indented by its depth.
std::string shape_of(const TreeAttentionPlan& plan) {
  std::string text;
  std::vector<std::int32_t> open;
  for (std::size_t i = 0; i < plan.segments.size(); ++i) {
    const TreeSegment& s = plan.segments[i];
    while (!open.empty() && open.back() <= static_cast<std::int32_t>(i))
      open.pop_back();
    text += std::string(open.size(), '.') + std::to_string(s.first_path) + "-" +
            std::to_string(s.first_path + s.paths) + "@" + std::to_string(s.first_token) + "+" +
            std::to_string(s.tokens) + " ";
    open.push_back(s.end);
  }
  return text;
}

// Slots one by one, whatever the cutting into runs.
std::vector<std::pair<int, int>> slots_of(const Runs& runs) {
  std::vector<std::pair<int, int>> slots;
  for (const SlotRun& run : runs)
    for (std::int32_t i = 0; i < run.count; ++i)
      slots.emplace_back(run.chunk, run.first + i);
  return slots;
}

void expect_paths_kept(const std::vector<Runs>& paths) {
  const TreeAttentionPlan made = plan(paths);
  ASSERT_EQ(made.paths, static_cast<std::int32_t>(paths.size()));
  for (std::size_t i = 0; i < paths.size(); ++i)
    EXPECT_EQ(slots_of(runs_of_path(made, static_cast<std::int32_t>(i))), slots_of(paths[i])) << i;
}

TEST(PlanTree, SharesTheCommonRuns) {
  const std::vector<Runs> paths{{{0, 0, 20}, {1, 3, 2}, {1, 8, 1}},
                                {{0, 0, 20}, {1, 3, 2}, {2, 0, 1}}};
  EXPECT_EQ(shape_of(plan(paths)), "0-2@0+22 .0-1@22+1 .1-2@22+1 ");
  expect_paths_kept(paths);
}

TEST(PlanTree, ARunThatGrewInOnePathIsSharedInPart) {
  const std::vector<Runs> paths{{{0, 0, 21}}, {{0, 0, 20}, {0, 21, 1}}, {{0, 0, 20}, {0, 22, 1}}};
  EXPECT_EQ(shape_of(plan(paths)), "0-3@0+20 .0-1@20+1 .1-2@20+1 .2-3@20+1 ");
  expect_paths_kept(paths);
}

// A prompt, a branch of it that branched again, and another prompt beside them.
TEST(PlanTree, EveryLevelOfATreeIsShared) {
  const std::vector<Runs> paths{{{0, 0, 9}, {0, 20, 3}, {0, 30, 1}},
                                {{0, 0, 9}, {0, 20, 3}, {0, 31, 1}},
                                {{0, 0, 9}, {0, 40, 4}},
                                {{1, 0, 5}, {1, 9, 1}},
                                {{1, 0, 5}, {1, 8, 1}}};
  EXPECT_EQ(shape_of(plan(paths)), "0-3@0+9 .0-2@9+3 ..0-1@12+1 ..1-2@12+1 .2-3@9+4 "
                                   "3-5@0+5 .3-4@5+1 .4-5@5+1 ");
  expect_paths_kept(paths);
  std::int64_t tokens = 0; // each once
  for (const TreeSegment& segment : plan(paths).segments)
    tokens += segment.tokens;
  EXPECT_EQ(tokens, 9 + 3 + 1 + 1 + 4 + 5 + 1 + 1);
}

TEST(PlanTree, PathsApartInTheOrderShareLessButAreRight) {
  const std::vector<Runs> paths{
      {{0, 0, 9}, {0, 30, 1}}, {{1, 0, 4}}, {{0, 0, 9}, {0, 31, 1}}, {{0, 0, 9}}};
  EXPECT_EQ(shape_of(plan(paths)), "0-1@0+10 1-2@0+4 2-4@0+9 .2-3@9+1 .3-4@9+0 ");
  expect_paths_kept(paths);
}

TEST(PlanTree, DensePathsShareNothingAndOnePathEverything) {
  EXPECT_EQ(shape_of(plan({{{0, 0, 5}}, {{0, 5, 5}}})), "0-1@0+5 1-2@0+5 ");
  EXPECT_EQ(shape_of(plan({{{0, 0, 5}}, {{1, 0, 5}}})), "0-1@0+5 1-2@0+5 ");
  EXPECT_EQ(shape_of(plan({{{0, 0, 5}, {1, 0, 2}}})), "0-1@0+7 ");
  EXPECT_EQ(shape_of(plan({{{0, 0, 5}}, {{0, 0, 5}}})), "0-2@0+5 .0-1@5+0 .1-2@5+0 ");
  EXPECT_EQ(plan({}).paths, 0);
}

} // namespace
} // namespace peakbench::kernels
