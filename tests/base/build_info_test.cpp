#include "base/build_info.h"

#include <gtest/gtest.h>

#include <regex>

namespace peakbench {

TEST(BuildInfo, NamesTheRevision) {
  EXPECT_TRUE(std::regex_match(git_revision(), std::regex("[0-9a-f]{7,40}|unknown")))
      << git_revision();
}

TEST(BuildInfo, NamesCompilerAndBuildType) {
  EXPECT_TRUE(std::regex_match(compiler(), std::regex(R"(.+ \d+\.\d+.*, \w+)"))) << compiler();
}

} // namespace peakbench
