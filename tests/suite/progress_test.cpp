#include "suite/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace peakbench::suite {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ClockText, IsReadable) {
  EXPECT_EQ(clock_text(7.4), "0:07");
  EXPECT_EQ(clock_text(750), "12:30");
  EXPECT_EQ(clock_text(11100), "3:05:00");
  EXPECT_EQ(clock_text(-1), "0:00");
}

TEST(Progress, IsOneLinePerCaseInALog) {
  std::ostringstream out;
  Progress progress(out, false, 12, 10);
  progress.show({1, "ep ep_fused depth 10", "ok", "", "VALID", 0.25, 1});
  progress.show({0, "ep backprop depth 10", "timed_out", "time limit", "", 0, 9});
  progress.end();
  EXPECT_THAT(out.str(), HasSubstr("[ 1/12] rank 1  ep ep_fused depth 10  0.25 s  0:0"));
  EXPECT_THAT(
      out.str(),
      HasSubstr("[ 2/12] rank 0  ep backprop depth 10  timed_out: time limit  0:00 left\n"));
  EXPECT_THAT(out.str(), Not(HasSubstr("\r")));
}

TEST(Progress, RedrawsOnATerminalButKeepsWhatWentWrong) {
  std::ostringstream out;
  Progress progress(out, true, 3, 3);
  progress.show({0, "a", "ok", "", "VALID", 1, 1});
  progress.show({0, "b", "ok", "", "INVALID: another tree", 1, 1});
  progress.show({0, "c", "ok", "", "VALID", 1, 1});
  progress.end();
  EXPECT_THAT(out.str(), HasSubstr("\r\033[K[2/3] rank 0  b  1 s  INVALID: another tree"));
  const std::string text = out.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

} // namespace
} // namespace peakbench::suite
