#include "measure/self_check.h"

#include "measure/timeline.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace peakbench::measure {
namespace {

TEST(SelfCheck, PassesOnTheCpu) {
  const std::vector<Check> checks = check_memory_tracking(DeviceMemory::of(at::kCPU));
  EXPECT_GE(checks.size(), 9u);
  for (const Check& check : checks)
    EXPECT_TRUE(check.passed) << check.name << ": " << check.expected << ", " << check.measured;
}

// A device whose readings are of live bytes, as in the published suite.
class ReadsLiveBytes final : public DeviceMemory {
public:
  c10::Device device() const override { return at::kCPU; }
  LiveBytes live() const override { return real_.live(); }
  std::int64_t device_used_bytes() const override { return 0; }
  void synchronize() const override {}
  void release_unused() override {}
  void start_timeline(TimelineRecorder& recorder) override { real_.start_timeline(recorder); }
  Timeline stop_timeline() override { return real_.stop_timeline(); }
  void mark(std::string_view phase) override { real_.mark(phase); }

protected:
  int open_scope() override {
    starts_.push_back(live().total);
    return static_cast<int>(starts_.size()) - 1;
  }
  MemoryReading read_scope(int scope) const override {
    MemoryReading reading;
    reading.live_bytes = live().total - starts_.at(static_cast<std::size_t>(scope));
    reading.peak_bytes = reading.live_bytes;
    return reading;
  }
  void close_scope(int) override { starts_.pop_back(); }

private:
  DeviceMemory& real_ = DeviceMemory::of(at::kCPU);
  std::vector<std::int64_t> starts_;
};

TEST(SelfCheck, FailsOnTheReadingOfThePublishedSuite) {
  ReadsLiveBytes broken;
  const std::vector<Check> checks = check_memory_tracking(broken);
  const auto failed =
      std::count_if(checks.begin(), checks.end(), [](const Check& check) { return !check.passed; });
  EXPECT_GE(failed, 6);
  EXPECT_FALSE(checks.front().passed);
  EXPECT_EQ(checks.front().measured, "0 B");
}

} // namespace
} // namespace peakbench::measure
