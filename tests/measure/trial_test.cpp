#include "measure/trial.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace peakbench::measure {
namespace {

constexpr double kNever = -1; // no interval is that narrow

at::Tensor bytes(std::int64_t count) { return at::empty({count}, at::kByte); }

class TrialTest : public ::testing::Test {
protected:
  TrialResult run(const TrialPlan& plan, const std::function<void()>& body,
                  const std::function<void()>& between = {}) {
    return run_trials(plan, memory_, Deadline(), body, between);
  }
  DeviceMemory& memory_ = DeviceMemory::of(at::kCPU);
};

TEST_F(TrialTest, KeepsEveryRepeatButNotTheWarmUp) {
  int calls = 0;
  const TrialResult result =
      run({.warm_up = 2, .min = 3, .max = 5, .interval = kNever}, [&] { ++calls; });
  EXPECT_EQ(calls, 2 + 5);
  EXPECT_EQ(result.samples.size(), 5u);
  EXPECT_EQ(result.seconds.count, 5);
  EXPECT_EQ(result.stop, StopReason::max_repeats);
}

TEST_F(TrialTest, ColdIsTheVeryFirstCall) {
  int calls = 0;
  const auto slow_once = [&] {
    if (calls++ == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
  };
  EXPECT_GE(run({.warm_up = 2, .min = 1, .max = 1}, slow_once).cold_seconds, 0.05);
  calls = 0;
  const TrialResult without = run({.warm_up = 0, .min = 1, .max = 1}, slow_once);
  EXPECT_EQ(without.cold_seconds, without.samples.front().seconds);
  EXPECT_GE(without.cold_seconds, 0.05);
}

TEST_F(TrialTest, StopsWhenTheIntervalIsNarrow) {
  const TrialResult result = run({.warm_up = 0, .min = 4, .max = 9, .interval = 1e9}, [] {});
  EXPECT_EQ(result.samples.size(), 4u);
  EXPECT_EQ(result.stop, StopReason::interval);
}

TEST_F(TrialTest, OneRepeatHasNoIntervalToStopAt) {
  const TrialResult result = run({.warm_up = 0, .min = 1, .max = 9, .interval = 1e9}, [] {});
  EXPECT_EQ(result.samples.size(), 2u);
  EXPECT_EQ(result.stop, StopReason::interval);
  const TrialResult late =
      run({.warm_up = 0, .min = 1, .max = 9, .interval = 1e9, .time_limit_seconds = 0}, [] {});
  EXPECT_EQ(late.samples.size(), 1u);
  EXPECT_EQ(late.stop, StopReason::time_limit);
}

TEST_F(TrialTest, StopsAtTheTimeLimitAfterTheLeastRepeats) {
  const TrialResult result =
      run({.warm_up = 0, .min = 2, .max = 9, .interval = kNever, .time_limit_seconds = 0}, [] {});
  EXPECT_EQ(result.samples.size(), 2u);
  EXPECT_EQ(result.stop, StopReason::time_limit);
}

TEST_F(TrialTest, ADeadlineEndsTheTrial) {
  int calls = 0;
  EXPECT_THROW(run_trials({}, memory_, Deadline(-1), [&] { ++calls; }), TimedOut);
  EXPECT_EQ(calls, 0);
}

TEST_F(TrialTest, BetweenRunsBeforeEveryCallOutsideTheScope) {
  std::vector<char> order;
  at::Tensor state;
  const TrialResult result = run(
      {.warm_up = 1, .min = 2, .max = 2, .interval = kNever},
      [&] {
        order.push_back('b');
        bytes(1000);
      },
      [&] {
        order.push_back('r');
        state = bytes(1 << 20);
      });
  EXPECT_THAT(order, ::testing::ElementsAre('r', 'b', 'r', 'b', 'r', 'b'));
  EXPECT_EQ(result.samples.front().memory.peak_bytes, 1000);
}

TEST_F(TrialTest, SaysWhetherThePeakRepeats) {
  const TrialPlan plan{.warm_up = 1, .min = 3, .max = 3, .interval = kNever};
  EXPECT_TRUE(run(plan, [] { bytes(1000); }).memory_repeats);
  int calls = 0;
  const TrialResult differs = run(plan, [&] { bytes(++calls == 3 ? 1001 : 1000); });
  EXPECT_FALSE(differs.memory_repeats);
  EXPECT_EQ(differs.largest().memory.peak_bytes, 1001);
  // The warm-up may differ: libraries take their workspaces then.
  calls = 0;
  EXPECT_TRUE(run(plan, [&] { bytes(++calls == 1 ? 9999 : 1000); }).memory_repeats);
}

TEST_F(TrialTest, SamplesCarryWhatTheProcessHeld) {
  constexpr std::int64_t kBytes = 64 << 20;
  const TrialResult result =
      run({.warm_up = 0, .min = 1, .max = 1}, [] { bytes(kBytes).fill_(1); });
  EXPECT_EQ(result.samples.front().memory.peak_bytes, kBytes);
  EXPECT_GE(result.samples.front().resident_peak_bytes, kBytes);
  EXPECT_GT(result.samples.front().device_used_bytes, 0);
}

TEST_F(TrialTest, AnExceptionLeavesNoScopeOpen) {
  EXPECT_THROW(run({}, [] { throw Diverged("energy is NaN"); }), Diverged);
  const MemoryScope scope(memory_);
  bytes(10);
  EXPECT_EQ(scope.read().peak_bytes, 10);
}

TEST_F(TrialTest, RefusesAPlanWithoutRepeats) {
  EXPECT_THROW(run({.min = 0}, [] {}), std::invalid_argument);
  EXPECT_THROW(run({.min = 3, .max = 2}, [] {}), std::invalid_argument);
  EXPECT_THROW(run({.warm_up = -1}, [] {}), std::invalid_argument);
}

TEST(StopReason, HasANameInResults) {
  EXPECT_EQ(name_of(StopReason::interval), "interval");
  EXPECT_EQ(name_of(StopReason::max_repeats), "max_repeats");
  EXPECT_EQ(name_of(StopReason::time_limit), "time_limit");
}

} // namespace
} // namespace peakbench::measure
