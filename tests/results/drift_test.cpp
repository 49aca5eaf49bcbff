#include "results/drift.h"

#include <gmock/gmock.h>

namespace peakbench::results {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

EnvironmentRow row(const std::string& torch, std::int64_t threads, std::int64_t rank = 0) {
  EnvironmentRow one;
  one.rank = rank;
  one.host = "host" + std::to_string(rank);
  one.torch = torch;
  one.threads = threads;
  one.mpi = "Open MPI 4";
  return one;
}

TEST(Drift, OtherRanksAndHostsAreNone) {
  const std::vector before{row("2.11.0", 1, 0), row("2.11.0", 1, 1)};
  const std::vector now{row("2.11.0", 1, 5)};
  EXPECT_THAT(drift_between(before, now), IsEmpty());
  EXPECT_THAT(drift_among(before), IsEmpty());
}

TEST(Drift, AnotherLibraryOrNumberOfThreadsIs) {
  const std::vector before{row("2.10.0", 1), row("2.10.0", 2, 1)};
  const std::vector now{row("2.11.0", 1)};
  const auto drifts = drift_between(before, now);
  ASSERT_EQ(drifts.size(), 2u);
  EXPECT_EQ(drifts[0].name, "threads");
  EXPECT_THAT(drifts[0].before, ElementsAre("1", "2"));
  EXPECT_THAT(drifts[0].now, ElementsAre("1"));
  EXPECT_EQ(text_of(drifts), "threads 1, 2 before, 1 now; torch 2.10.0 before, 2.11.0 now");
}

TEST(Drift, WhatVanishedIsNamedToo) {
  std::vector before{row("2.11.0", 1)};
  before[0].cuda = "13.0";
  EXPECT_EQ(text_of(drift_between(before, std::vector{row("2.11.0", 1)})),
            "cuda 13.0 before, none now");
}

TEST(Drift, AFirstLaunchHasNothingToDifferFrom) {
  EXPECT_THAT(drift_between({}, std::vector{row("2.11.0", 1)}), IsEmpty());
}

TEST(Drift, AmongRowsItListsTheValues) {
  const std::vector rows{row("2.11.0", 2), row("2.11.0", 1, 1)};
  EXPECT_EQ(text_of(drift_among(rows)), "threads 1, 2");
}

} // namespace
} // namespace peakbench::results
