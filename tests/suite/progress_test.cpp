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

TEST(Progress, SaysWhatRunsForLong) {
  const std::vector<RunningLine> running{
      {0, "a", 3}, {1, "b", 70}, {2, "c", 2}, {3, "ep ep_autograd depth 1000", 130}, {4, "e", 1}};
  const char* const text = "rank 3 at ep ep_autograd depth 1000 for 2:10, rank 1 at b for 1:10, "
                           "rank 0 at a for 0:03 and 2 more";
  std::ostringstream log, quiet, terminal;
  Progress(log, false, 9, 9, 0).show_running(running);
  EXPECT_EQ(log.str(), std::string("running: ") + text + "\n");
  Progress often(quiet, false, 9, 9, 1000);
  often.show_running(running);
  often.show({0, "a", "ok", "", "VALID", 1, 1});
  often.show_running(running);
  EXPECT_THAT(quiet.str(), Not(HasSubstr("running"))) << "only after a while without a line";
  Progress drawn(terminal, true, 9, 9);
  drawn.show({0, "z", "ok", "", "VALID", 1, 1});
  drawn.show_running(running);
  drawn.show_running({});
  EXPECT_THAT(terminal.str(), HasSubstr("\r\033[K[1/9] rank 0  z  1 s"));
  EXPECT_THAT(terminal.str(), ::testing::EndsWith(std::string("left  ") + text));
  drawn.end();
  EXPECT_THAT(terminal.str(), ::testing::EndsWith("\r\033[K"));
}

} // namespace
} // namespace peakbench::suite
