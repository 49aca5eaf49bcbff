#include "report/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace peakbench::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(NumbersTest, AboutFourDigits) {
  EXPECT_EQ(number(12345.6), "12346");
  EXPECT_EQ(number(342.14), "342.1");
  EXPECT_EQ(number(47.126), "47.13");
  EXPECT_EQ(number(5.8), "5.800");
  EXPECT_EQ(number(0.0044), "0.00440");
  EXPECT_EQ(number(0.0123), "0.0123");
  EXPECT_EQ(ratio_text(242.735), "242.7");
  EXPECT_EQ(ratio_text(1), "1.00");
  EXPECT_EQ(ratio_text(0.151), "0.15");
  EXPECT_EQ(ratio_text(0.0151), "0.0151");
  EXPECT_EQ(ratio_text(0), "0.00");
  EXPECT_EQ(ratio_text(std::nan("")), "-");
  EXPECT_EQ(number(0.000463), "4.63e-04"); // not 0.0005
  EXPECT_EQ(number(1.2e-6), "1.20e-06");
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(-3.5), "-3.500");
}

TEST(NumbersTest, AbsentIsADash) {
  EXPECT_EQ(number(kNan), "-");
  EXPECT_EQ(fixed(kNan, 2), "-");
  EXPECT_EQ(whole(kNan), "-");
  EXPECT_EQ(count(results::kAbsent), "-");
  EXPECT_EQ(count(0), "0"); // measured zero is a figure
  EXPECT_TRUE(std::isnan(real(results::kAbsent)));
  EXPECT_EQ(real(0), 0);
}

TEST(NumbersTest, NoNegativeZero) {
  EXPECT_EQ(fixed(-0.00001, 4), "0.0000");
  EXPECT_EQ(fixed(-0.0001, 4), "-0.0001");
}

TEST(NumbersTest, MedianLeavesAbsentOut) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_EQ(median({kNan, 5, kNan}), 5);
  EXPECT_TRUE(std::isnan(median({kNan})));
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(NumbersTest, SlopeOfAKnownLine) {
  const std::vector<double> x{50, 100, 200, 500}, line{12, 22, 42, 102}, flat{7, 7, 7, 7};
  EXPECT_NEAR(slope(x, line), 0.2, 1e-12);
  EXPECT_EQ(slope(x, flat), 0);
  EXPECT_NEAR(slope(std::vector<double>{0, 1, 2}, std::vector<double>{0, 1, 5}), 2.5, 1e-12);
  EXPECT_TRUE(std::isnan(slope(std::vector<double>{5}, std::vector<double>{1})));
  EXPECT_TRUE(std::isnan(slope(std::vector<double>{5, 5}, std::vector<double>{1, 2})));
}

TEST(NumbersTest, OneRepeatHasNoInterval) {
  results::EpCase row;
  row.step_seconds = row.step_seconds_lower = row.step_seconds_upper = 2;
  row.repeats = 1;
  EXPECT_TRUE(std::isnan(interval_percent(row)));
  row.repeats = 3;
  row.step_seconds_upper = 2.5;
  EXPECT_DOUBLE_EQ(interval_percent(row), 25);
}

TEST(NumbersTest, WidthsOfOtherScripts) {
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("Grüße →"), 7u);
  EXPECT_EQ(display_width("日本語"), 6u);
  EXPECT_EQ(display_width("e\xCC\x81"), 1u); // e and a combining accent
  EXPECT_EQ(display_width("🙂!"), 3u);
  EXPECT_EQ(display_width("\xE2\x82"), 1u); // cut within a character: no reading beyond the end
}

} // namespace
} // namespace peakbench::report
