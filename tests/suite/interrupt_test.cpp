#include "suite/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>

namespace peakbench::suite {
namespace {

TEST(InterruptWatch, SeesEachOfItsSignals) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    const InterruptWatch watch;
    EXPECT_FALSE(InterruptWatch::interrupted());
    std::raise(signal);
    EXPECT_TRUE(InterruptWatch::interrupted()) << signal;
  }
}

TEST(InterruptWatchDeathTest, ASecondSignalEndsAtOnce) {
  EXPECT_EXIT(
      {
        const InterruptWatch watch;
        std::raise(SIGINT);
        std::raise(SIGINT);
      },
      ::testing::KilledBySignal(SIGINT), "");
}

} // namespace
} // namespace peakbench::suite
