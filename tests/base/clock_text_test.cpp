#include "base/clock_text.h"

#include <gmock/gmock.h>

#include <ctime>

namespace peakbench {
namespace {

TEST(ClockText, IsTheTimeInUtcWhateverTheZone) {
  setenv("TZ", "XYZ+11:30", 1);
  tzset();
  const std::time_t before = std::time(nullptr);
  const std::string text = utc_now();
  const std::time_t after = std::time(nullptr);
  std::tm read{};
  ASSERT_STREQ(strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &read), "") << text;
  EXPECT_GE(timegm(&read), before);
  EXPECT_LE(timegm(&read), after);
}

} // namespace
} // namespace peakbench
