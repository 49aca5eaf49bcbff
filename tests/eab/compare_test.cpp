#include <gtest/gtest.h>

#include "eab/generation.h"

namespace peakbench::eab {
namespace {

Node node(std::int32_t index, std::int32_t parent, std::int32_t token, std::int32_t position,
          double margin) {
  return {.node = index, .parent = parent, .token = token, .position = position, .margin = margin};
}

Trace tree() {
  Trace trace;
  trace.nodes = {node(0, -1, 1, 0, 0.5), node(1, -1, 2, 0, 0.25), node(2, 0, 3, 1, 0.125),
                 node(3, 1, 4, 1, 0.0625)};
  return trace;
}

TEST(CompareTrees, EqualTreesAreTheSame) {
  Trace other = tree();
  other.nodes[2].margin = 7; // how near it was is no difference
  other.nodes[2].log_prob = -1e-6;
  const TreeComparison result = compare_trees(other, tree());
  EXPECT_TRUE(result.same);
  EXPECT_EQ(result.position, -1);
}

TEST(CompareTrees, AnotherToken) {
  Trace other = tree();
  other.nodes[2].token = 9;
  other.nodes[2].margin = 0.1;
  const TreeComparison result = compare_trees(other, tree());
  EXPECT_FALSE(result.same);
  EXPECT_EQ(result.position, 1);
  EXPECT_EQ(result.gap, 0.1);
  EXPECT_EQ(compare_trees(tree(), other).gap, 0.1);
}

TEST(CompareTrees, AnotherDecision) {
  Trace other = tree();
  other.nodes[1].branched = true;
  const TreeComparison result = compare_trees(other, tree());
  EXPECT_EQ(result.position, 0);
  EXPECT_EQ(result.gap, 0.25);
}

TEST(CompareTrees, SwappedPathsDiffer) {
  Trace other = tree();
  std::swap(other.nodes[2].parent, other.nodes[3].parent);
  EXPECT_FALSE(compare_trees(other, tree()).same);
}

// The trees agree up to position 0, but one goes on from node 0 and the other from node 1.
TEST(CompareTrees, AnotherPruning) {
  Trace a = tree();
  a.nodes.resize(2);
  Trace b = a;
  a.nodes[0].margin = b.nodes[0].margin = 1e-7;
  a.nodes.push_back(node(2, 0, 3, 1, 0.125));
  b.nodes.push_back(node(2, 1, 4, 1, 0.0625));
  const TreeComparison result = compare_trees(a, b);
  EXPECT_FALSE(result.same);
  EXPECT_EQ(result.position, 1);
  EXPECT_EQ(result.gap, 1e-7);
}

TEST(CompareTrees, OneGoesOn) {
  Trace other = tree();
  other.nodes.push_back(node(4, 2, 5, 2, 0.75));
  const TreeComparison result = compare_trees(tree(), other);
  EXPECT_FALSE(result.same);
  EXPECT_EQ(result.position, 2);
}

} // namespace
} // namespace peakbench::eab
