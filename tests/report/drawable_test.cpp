#include "report/drawable.h"

#include <gtest/gtest.h>

namespace peakbench::report {
namespace {

TEST(Drawable, ReadsTheRangesOfFontconfig) {
  const auto ranges = ranges_of("20-7e a0 3a3-3cf\n25a1\n");
  ASSERT_EQ(ranges.size(), 4u);
  EXPECT_EQ(ranges[0].first, 0x20u);
  EXPECT_EQ(ranges[0].last, 0x7Eu);
  EXPECT_EQ(ranges[1].first, ranges[1].last);
  EXPECT_EQ(ranges[3].first, 0x25A1u);
  EXPECT_TRUE(ranges_of("").empty());
}

TEST(Drawable, ReplacesOnlyWhatNoFontHas) {
  const auto greek = ranges_of("20-7e 370-3ff 25a1");
  EXPECT_EQ(drawable("Σ and 你 and é", greek), "Σ and □ and □");
  EXPECT_EQ(drawable("Σ and 你", ranges_of("20-7e")), "? and ?");
  EXPECT_EQ(drawable("plot\n'a' \t", {}), "plot\n'a' \t"); // a script's own characters stay
}

} // namespace
} // namespace peakbench::report
