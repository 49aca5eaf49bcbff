#include "suite/demo_progress.h"

#include <gmock/gmock.h>

#include <sstream>

namespace peakbench::suite {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

results::EabCase ended(const std::string& status) {
  results::EabCase record;
  record.status = status;
  record.reason = "too long";
  record.wall_seconds = 1.5;
  record.peak_bytes = 12000000;
  return record;
}

TEST(DemoProgress, IsOneLinePerArmInALog) {
  std::ostringstream out;
  DemoProgress progress(out, false);
  progress.begin(2, 10);
  progress.start("cow, batched", 4);
  progress.tick();
  progress.finish(ended("ok"));
  progress.start("naive, per_path", 6);
  progress.finish(ended("timed_out"));
  progress.end();
  EXPECT_EQ(out.str(), "[1/2] cow, batched: 1.5 s, peak 12 MB beyond the weights\n"
                       "[2/2] naive, per_path: timed_out: too long\n");
}

TEST(DemoProgress, IsABarOnATerminalThatLeavesNothingButWhatWentWrong) {
  std::ostringstream out;
  DemoProgress progress(out, true);
  progress.begin(2, 10);
  progress.start("cow, batched", 5);
  progress.finish(ended("ok"));
  EXPECT_THAT(out.str(), HasSubstr("\r\033[K[############------------] 1/2  cow, batched"));
  EXPECT_THAT(out.str(), Not(HasSubstr("\n")));
  progress.start("naive, per_path", 5);
  progress.finish(ended("failed"));
  EXPECT_THAT(out.str(), HasSubstr("\r\033[K[2/2] naive, per_path: failed: too long\n"));
  progress.start("x", 0);
  progress.end();
  EXPECT_TRUE(out.str().ends_with("\r\033[K"));
}

} // namespace
} // namespace peakbench::suite
