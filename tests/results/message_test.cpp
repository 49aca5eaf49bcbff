#include <gtest/gtest.h>

#include "results/examples.h"

namespace peakbench::results {
namespace {

using testing::eab_example;
using testing::ep_example;
using testing::equal;

EabRow eab_back(const std::string& message) { return std::get<EabRow>(from_message(message)); }

TEST(MessageTest, BringsAnEabCaseAcross) {
  EabRow row = eab_example(3);
  row.trace.samples[0].text = std::string("cut \xC3", 5) + std::string("\0nul", 4);
  const EabRow back = eab_back(to_message(row));
  EXPECT_TRUE(equal(back.record, row.record));
  ASSERT_EQ(back.repeats.size(), row.repeats.size());
  for (std::size_t index = 0; index < row.repeats.size(); ++index)
    EXPECT_TRUE(equal(back.repeats[index], row.repeats[index]));
  EXPECT_EQ(back.trace.prompt_tokens, row.trace.prompt_tokens);
  ASSERT_EQ(back.trace.nodes.size(), row.trace.nodes.size());
  for (std::size_t index = 0; index < row.trace.nodes.size(); ++index) {
    const TraceNode &a = back.trace.nodes[index], &b = row.trace.nodes[index];
    EXPECT_EQ(std::tie(a.node, a.parent, a.token, a.position, a.log_prob, a.entropy, a.branched),
              std::tie(b.node, b.parent, b.token, b.position, b.log_prob, b.entropy, b.branched));
  }
  ASSERT_EQ(back.trace.samples.size(), 2u);
  EXPECT_EQ(back.trace.samples[0].text, row.trace.samples[0].text); // broken UTF-8 and NUL as well
  EXPECT_EQ(back.trace.samples[1].log_prob, -2.5);
  ASSERT_EQ(back.trace.tokens.size(), 3u);
  EXPECT_EQ(back.trace.tokens[0].token, 100);
  EXPECT_EQ(back.trace.tokens[0].text, " Grüße");
}

TEST(MessageTest, BringsAnEpCaseAcross) {
  const EpRow row = ep_example(5);
  const EpRow back = std::get<EpRow>(from_message(to_message(row)));
  EXPECT_TRUE(equal(back.record, row.record));
  EXPECT_EQ(back.trace.energy, row.trace.energy);
  EXPECT_EQ(back.trace.gradient_norm, row.trace.gradient_norm);
  EXPECT_EQ(back.trace.cosine_to_backprop, row.trace.cosine_to_backprop);
  ASSERT_EQ(back.components.size(), 1u);
  EXPECT_TRUE(equal(back.components[0], row.components[0]));
  ASSERT_EQ(back.operations.size(), 1u);
  EXPECT_TRUE(equal(back.operations[0], row.operations[0]));
  ASSERT_EQ(back.training.size(), 2u);
  EXPECT_TRUE(equal(back.training[1], row.training[1]));
}

TEST(MessageTest, BringsCasesOfAllRanksTogetherAcross) {
  CommRow comm{testing::filled<CommCase>(1), {{"c", 0, 0.5, 7, 8, 9}}};
  const CommRow comm_back = std::get<CommRow>(from_message(to_message(comm)));
  EXPECT_TRUE(equal(comm_back.record, comm.record));
  ASSERT_EQ(comm_back.repeats.size(), 1u);
  EXPECT_TRUE(equal(comm_back.repeats[0], comm.repeats[0]));
  const ScalingRow scaling{testing::filled<ScalingCase>(2), {}};
  const ScalingRow scaling_back = std::get<ScalingRow>(from_message(to_message(scaling)));
  EXPECT_TRUE(equal(scaling_back.record, scaling.record));
}

TEST(MessageTest, AbsentAndInfiniteStayWhatTheyAre) {
  EabRow row;
  row.record.tree_gap = std::numeric_limits<double>::infinity();
  row.trace.nodes.push_back({0, -1, 0, 0, kAbsentReal, 0.1, false});
  const EabRow back = eab_back(to_message(row));
  EXPECT_TRUE(std::isnan(back.record.wall_seconds));
  EXPECT_TRUE(std::isinf(back.record.tree_gap));
  EXPECT_EQ(back.record.peak_bytes, kAbsent);
  EXPECT_TRUE(std::isnan(back.trace.nodes.at(0).log_prob));
}

TEST(MessageTest, DamagedMessagesAreErrors) {
  const std::string message = to_message(eab_example(1));
  EXPECT_ANY_THROW(from_message(""));
  EXPECT_ANY_THROW(from_message(message.substr(0, message.size() / 2)));
}

} // namespace
} // namespace peakbench::results
