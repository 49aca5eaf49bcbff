#include "measure/process_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>

namespace peakbench::measure {
namespace {

constexpr std::int64_t kBytes = 64 << 20;
// The kernel counts pages per thread and folds them in later.
constexpr std::int64_t kSlack = 2 << 20;

void touch_and_give_back() {
  void* const pages =
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  std::memset(pages, 1, kBytes);
  munmap(pages, kBytes);
}

TEST(ProcessMemory, TheResidentPeakOutlivesThePages) {
  const std::int64_t before = resident_bytes();
  ASSERT_GT(before, 0);
  touch_and_give_back();
  EXPECT_GE(resident_peak_bytes(), before + kBytes - kSlack);
  // Negative control: what is resident now shows nothing of it.
  EXPECT_LT(resident_bytes(), before + kBytes / 2);
}

TEST(ProcessMemory, TheResidentPeakCanBeReset) {
  touch_and_give_back();
  const std::int64_t peak = resident_peak_bytes();
  if (!reset_resident_peak())
    GTEST_SKIP() << "this kernel does not let /proc/self/clear_refs be written";
  EXPECT_LT(resident_peak_bytes(), peak - kBytes / 2);
}

TEST(ProcessMemory, WhatIsAvailableIsWithinTheMachine) {
  EXPECT_GT(available_bytes(), 0);
  EXPECT_LT(available_bytes(), std::int64_t{1} << 50);
}

} // namespace
} // namespace peakbench::measure
