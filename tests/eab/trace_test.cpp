#include "eab/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace peakbench::eab {
namespace {

using ::testing::ElementsAre;

Node node(std::int32_t index, std::int32_t parent, std::int32_t token, std::int32_t position) {
  return {.node = index, .parent = parent, .token = token, .position = position};
}

//  prompt - a0 - b1 - d3 (end)
//              - c2 - e4 - f5
//                   - g6 (pruned)
Trace tree() {
  Trace trace;
  trace.nodes = {node(0, -1, 10, 0), node(1, 0, 11, 1), node(2, 0, 12, 1), node(3, 1, 13, 2),
                 node(4, 2, 14, 2),  node(5, 4, 15, 3), node(6, 2, 16, 2)};
  trace.samples = {{.leaf = 3, .log_prob = -2, .tokens = {10, 11, 13}, .text = {}},
                   {.leaf = 5, .log_prob = -1, .tokens = {10, 12, 14, 15}, .text = {}}};
  return trace;
}

TEST(Trace, TokensToALeaf) {
  EXPECT_THAT(tokens_to(tree(), 5), ElementsAre(10, 12, 14, 15));
  EXPECT_THAT(tokens_to(tree(), 0), ElementsAre(10));
}

TEST(Trace, Counts) {
  Counters counters;
  count_tokens(tree(), counters);
  EXPECT_EQ(counters.samples, 2);
  EXPECT_EQ(counters.emitted_tokens, 7);
  EXPECT_EQ(counters.unique_tree_tokens, 6);
  EXPECT_EQ(counters.pruned_tokens, 1);
}

TEST(Trace, OrdersNodesByPosition) {
  Trace trace = tree();
  order_by_position(trace);
  for (std::size_t i = 0; i < trace.nodes.size(); ++i) {
    EXPECT_EQ(trace.nodes[i].node, static_cast<std::int32_t>(i));
    if (i > 0) {
      EXPECT_LE(trace.nodes[i - 1].position, trace.nodes[i].position);
    }
    if (trace.nodes[i].parent >= 0) {
      EXPECT_EQ(trace.nodes[static_cast<std::size_t>(trace.nodes[i].parent)].position + 1,
                trace.nodes[i].position);
    }
  }
  for (const Sample& sample : trace.samples)
    EXPECT_EQ(tokens_to(trace, sample.leaf), sample.tokens);
}

TEST(Trace, OrdersSamplesByLogProb) {
  Trace trace = tree();
  order_by_log_prob(trace);
  EXPECT_EQ(trace.samples[0].leaf, 5);
  EXPECT_EQ(trace.samples[1].leaf, 3);
}

// Feeding position 0: a. Position 1: a, b, c. Position 2: a, c, e (d has ended, g is pruned, and b
// held on by nobody). The last position is never fed.
TEST(Trace, PeakOfLiveTokens) {
  EXPECT_EQ(peak_live_tokens(tree()), 3);
  EXPECT_EQ(peak_live_tokens(Trace{}), 0);
}

} // namespace
} // namespace peakbench::eab
