#include "base/deadline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace peakbench {

TEST(Deadline, IsNeverUnlessGiven) {
  const Deadline never;
  EXPECT_NO_THROW(never.check());
  EXPECT_GE(never.elapsed_seconds(), 0);
}

TEST(Deadline, ChecksPassUntilTheLimit) { EXPECT_NO_THROW(Deadline(3600).check()); }

TEST(Deadline, ThrowsOnceTheLimitHasPassed) {
  const Deadline deadline(0.001);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_GE(deadline.elapsed_seconds(), 0.002);
  EXPECT_THROW(deadline.check(), TimedOut);
  EXPECT_THROW(deadline.check(), TimedOut) << "and again";
}

TEST(Deadline, TellsTheLimit) {
  try {
    Deadline(-1).check();
    FAIL();
  } catch (const TimedOut& late) {
    EXPECT_THAT(late.what(), ::testing::HasSubstr("time limit of -1"));
  }
}

TEST(Deadline, AsksWhetherItIsStopped) {
  bool stop = false;
  const Deadline deadline(1000, [&] { return stop; });
  deadline.check();
  stop = true;
  EXPECT_THROW(deadline.check(), Interrupted);
}

} // namespace peakbench
