#include "suite/interrupt.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

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

TEST(InterruptWatchDeathTest, ASecondSignalDropsTheCaseAndAThirdEndsTheProcess) {
  EXPECT_EXIT(
      {
        const InterruptWatch watch;
        const auto start = std::chrono::steady_clock::now();
        std::raise(SIGINT);
        std::raise(SIGINT);
        const bool together = std::chrono::steady_clock::now() - start < std::chrono::seconds(1);
        if (together && InterruptWatch::at_once())
          std::_Exit(1); // one wish that came on two ways
        std::this_thread::sleep_for(std::chrono::milliseconds(2100));
        std::raise(SIGINT);
        if (!InterruptWatch::at_once())
          std::_Exit(2);
        std::raise(SIGINT);
      },
      ::testing::KilledBySignal(SIGINT), "");
}

} // namespace
} // namespace peakbench::suite
