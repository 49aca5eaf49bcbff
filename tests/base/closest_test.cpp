#include "base/closest.h"

#include <gtest/gtest.h>

#include <vector>

namespace peakbench {
namespace {

const std::vector<std::string> kWords{"wall_seconds", "wall_seconds_lower", "arm", "depth"};

TEST(Closest, FindsWhatWasMeant) {
  EXPECT_EQ(closest("wall_second", kWords), "wall_seconds");
  EXPECT_EQ(closest("wal_secnds_lower", kWords), "wall_seconds_lower");
  EXPECT_EQ(closest("amr", kWords), "arm");
  EXPECT_EQ(closest("Depth", kWords), "depth");
}

TEST(Closest, GuessesNothingWhereNothingIsClose) {
  EXPECT_EQ(closest("temperature", kWords), "");
  EXPECT_EQ(closest("", kWords), "");
  EXPECT_EQ(closest("arm", {}), "");
}

} // namespace
} // namespace peakbench
