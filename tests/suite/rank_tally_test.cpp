#include "suite/rank_tally.h"

#include <gtest/gtest.h>

#include <cmath>

#include "suite/rank_rows.h"

namespace peakbench::suite {
namespace {

RankSummary example() {
  RankSummary summary;
  summary.cases = 2;
  summary.restarts = 1;
  summary.start_seconds = 0.5;
  summary.seconds = 10;
  summary.busy_seconds = 7;
  summary.load_seconds = 3;
  return summary;
}

std::vector<Placement> three() {
  return {{0, "node0", at::kCPU, 1, 0}, {1, "node0", at::kCPU, 1, 1}, {2, "node1", at::kCPU, 1, 2}};
}

TEST(RankTally, ASummaryTravelsAndIsNoCase) {
  const auto back = summary_in(summary_message(example()));
  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(values_of(*back), values_of(example()));
  EXPECT_FALSE(summary_in("").has_value());
  EXPECT_FALSE(summary_in("\x83 what a case says").has_value());
  EXPECT_THROW(summary_in("summary of another length"), std::runtime_error);
}

TEST(RankTally, WhatALostRankDidNotTellIsAbsent) {
  RankTally tally(three());
  tally.note_case(0, 100);
  tally.note_case(1, 100);
  tally.note_case(1, 20);
  tally.note_case(2, 30);
  tally.note_summary(1, example());
  tally.note_loss(2);
  RankSummary own = example();
  own.gathered_bytes = 0;
  const auto outcomes = tally.outcomes(own);
  ASSERT_EQ(outcomes.size(), 3u);
  EXPECT_EQ(values_of(outcomes[0].summary), values_of(own));

  const RankSummary& told = outcomes[1].summary;
  EXPECT_FALSE(outcomes[1].lost);
  EXPECT_EQ(told.cases, 2);
  EXPECT_GE(told.seconds, 10) << "up to now";
  EXPECT_EQ(told.idle_seconds, told.seconds - 7);
  EXPECT_EQ(told.gathered_bytes, 120);
  EXPECT_TRUE(std::isnan(told.gathering_seconds));

  const RankSummary& lost = outcomes[2].summary;
  EXPECT_TRUE(outcomes[2].lost);
  EXPECT_EQ(lost.cases, 1);
  EXPECT_EQ(lost.gathered_bytes, 30);
  EXPECT_TRUE(std::isnan(lost.seconds) && std::isnan(lost.busy_seconds) &&
              std::isnan(lost.idle_seconds) && std::isnan(lost.restarts));
}

TEST(RankTally, OneThatIsLostAfterItsSummaryKeepsIt) {
  RankTally tally(three());
  tally.note_summary(2, example());
  tally.note_loss(2);
  const RankOutcome outcome = tally.outcomes({}).at(2);
  EXPECT_TRUE(outcome.lost);
  EXPECT_EQ(outcome.summary.busy_seconds, 7);
  EXPECT_TRUE(std::isnan(outcome.summary.seconds)) << "nobody knows what it did since";
}

TEST(RankRows, SayHowEveryRankEnded) {
  RankTally tally(three());
  tally.note_loss(2);
  LaunchRow launch{"now", "dynamic", "mpi", "process", "1/2"};
  auto rows = rank_rows(launch, tally.outcomes(example()));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].ended, "done");
  EXPECT_EQ(rows[0].cases, 2);
  EXPECT_EQ(rows[0].part, "1/2");
  EXPECT_EQ(rows[2].ended, "lost");
  EXPECT_EQ(rows[2].host, "node1");
  EXPECT_EQ(rows[2].environment, 2);
  EXPECT_EQ(rows[2].ranks, 3);
  EXPECT_EQ(rows[2].restarts, results::kAbsent);
  launch.interrupted = true;
  rows = rank_rows(launch, tally.outcomes(example()));
  EXPECT_EQ(rows[0].ended, "interrupted");
  EXPECT_EQ(rows[2].ended, "lost");
}

} // namespace
} // namespace peakbench::suite
