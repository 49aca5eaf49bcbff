#include "report/token_tree.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "report/traces.h"

namespace peakbench::report {
namespace {

using results::EabTrace;
using ::testing::ElementsAre;
using testing::example_trace;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::ThrowsMessage;

std::vector<std::string> texts(const TokenTree& tree, const EabTrace& trace) {
  const TokenTexts text(trace);
  std::vector<std::string> all;
  for (const Segment& segment : tree.segments)
    all.push_back(text(trace, segment));
  return all;
}

TEST(TokenTree, JoinsTokensBetweenBranchings) {
  const EabTrace trace = example_trace();
  const TokenTree tree = tree_of(trace, false);
  EXPECT_THAT(texts(tree, trace), ElementsAre("The", " cat sat.", "↵", " dog ran."));
  EXPECT_THAT(tree.roots, ElementsAre(0));
  EXPECT_THAT(tree.segments[0].children, ElementsAre(1, 2, 3)); // by their best sample
  EXPECT_EQ(tree.segments[1].sample, 0u);
  EXPECT_EQ(tree.segments[2].sample, 1u);
  EXPECT_EQ(tree.segments[0].sample, kNone);
  EXPECT_THAT(tree.segments[1].pruned_at, ElementsAre(1)); // behind " sat"
  EXPECT_THAT(tree.segments[3].pruned_at, IsEmpty());
  EXPECT_EQ(tree.pruned_tokens, 1u);
  EXPECT_EQ(tree.pruned_ends, 1u);
}

TEST(TokenTree, ShowsPrunedPathsWhereAsked) {
  const EabTrace trace = example_trace();
  const TokenTree tree = tree_of(trace, true);
  EXPECT_THAT(texts(tree, trace), ElementsAre("The", " cat sat", ".", "!", "↵", " dog ran."));
  EXPECT_TRUE(tree.segments[2].kept);
  EXPECT_FALSE(tree.segments[3].kept);
  EXPECT_EQ(tree.segments[3].sample, kNone);
  EXPECT_THAT(tree.segments[1].pruned_at, IsEmpty());
}

TEST(TokenTree, EveryTokenIsInExactlyOneSegment) {
  const EabTrace trace = example_trace();
  std::vector<int> seen(trace.nodes.size(), 0);
  for (const Segment& segment : tree_of(trace, true).segments)
    for (const std::size_t node : segment.nodes)
      ++seen[node];
  EXPECT_THAT(seen, ::testing::Each(1));
}

TEST(TokenTree, IndependentSamplesAreRoots) {
  EabTrace trace;
  trace.nodes = {{0, -1, 1, 0, -1, 0.1, false}, {1, -1, 1, 0, -1, 0.1, false}};
  trace.samples = {{1, -1, "a"}, {0, -1, "a"}};
  const TokenTree tree = tree_of(trace, true);
  EXPECT_THAT(tree.roots, ElementsAre(0, 1));
  EXPECT_THAT(tree.segments[0].nodes, ElementsAre(1)); // the better sample first
  EXPECT_TRUE(tree_of(EabTrace{}, true).segments.empty());
}

TEST(TokenTree, DamagedTreesAreRefused) {
  EabTrace loop = example_trace();
  loop.nodes[1].parent = 4;
  EXPECT_THAT([&] { tree_of(loop, true); }, ThrowsMessage<UserError>(HasSubstr("node 1")));
  EabTrace outside = example_trace();
  outside.samples[0].leaf = 99;
  EXPECT_THROW(tree_of(outside, true), UserError);
  outside.samples[0].leaf = -1;
  EXPECT_THROW(tree_of(outside, true), UserError);
}

TEST(FirstPrompt, LeavesOutTheOthersTrees) {
  const EabTrace one = example_trace();
  EabTrace two = one;
  two.prompt_tokens = {7, 8, 9};
  two.prompt_lengths = {2, 1};
  const auto count = static_cast<std::int32_t>(one.nodes.size());
  for (results::TraceNode node : one.nodes) {
    node.node += count;
    node.parent += node.parent < 0 ? 0 : count;
    node.prompt = 1;
    two.nodes.push_back(node);
  }
  two.samples.push_back({count + 3, -0.5, "of the other prompt"});
  const EabTrace first = first_prompt(two);
  EXPECT_EQ(first.prompt_tokens, one.prompt_tokens);
  EXPECT_EQ(first.samples.size(), 3u);
  EXPECT_EQ(tree_text(first, 60), tree_text(one, 60));
  EXPECT_NE(tree_text(two, 60), tree_text(one, 60));
}

TEST(TokenTexts, FallBackToIdsAndJoinBytes) {
  EabTrace trace = example_trace();
  trace.tokens = {{10, "\xE4\xBD"}, {11, "\xA0"}};
  const TokenTexts text(trace);
  EXPECT_EQ(text(12), "<12>");
  Segment segment{.nodes = {0, 1, 2}};
  EXPECT_EQ(text(trace, segment), "你<12>"); // a character of two tokens
}

TEST(BranchPositions, AreThoseOfTheSamplesOwnPath) {
  const EabTrace trace = example_trace();
  EXPECT_THAT(branch_positions(trace, trace.samples[0]), ElementsAre(1, 3));
  EXPECT_THAT(branch_positions(trace, trace.samples[2]), ElementsAre(1));
  EXPECT_THAT(nodes_of(trace, trace.samples[2]), ElementsAre(0, 2, 5, 8));
}

TEST(TreeText, IndentsWhatBranchesOff) {
  EXPECT_EQ(tree_text(example_trace(), 60), "└ [0] The\n"
                                            "  ├ [1 H 0.60]  cat sat\n"
                                            "  │ ├ [3 H 0.55] .  #1  -1.05\n"
                                            "  │ └ [3 H 0.55] !  (pruned)\n"
                                            "  ├ [1 H 0.60] ↵  #2  -2.10\n"
                                            "  └ [1 H 0.60]  dog ran.  #3  -2.15\n");
}

TEST(TreeText, CutsLongTextsAndCountsManyPrunedPaths) {
  EabTrace trace = example_trace();
  trace.tokens[0].text = std::string(500, 'x');
  EXPECT_THAT(tree_text(trace, 40), HasSubstr("x…\n"));
  for (int i = 0; i < 30; ++i)
    trace.nodes.push_back({9 + i, 4, 17, 3, -5, 0.55, true});
  EXPECT_THAT(tree_text(trace, 40), HasSubstr("31 pruned paths (31 tokens) are left out\n"));
  EXPECT_THAT(tree_text(trace, 40), Not(HasSubstr("(pruned)")));
}

} // namespace
} // namespace peakbench::report
