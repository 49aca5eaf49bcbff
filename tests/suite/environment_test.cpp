#include "suite/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace peakbench::suite {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Environment, OnlyAllowedVariablesAreRecorded) {
  setenv("OMP_NUM_THREADS", "3", 1);
  setenv("PEAKBENCH_TEST_TOKEN", "secret", 1);
  EXPECT_THAT(chosen_variables(), HasSubstr("OMP_NUM_THREADS=3\n"));
  EXPECT_THAT(chosen_variables(), Not(HasSubstr("secret")));
}

TEST(Environment, DevicesHaveNames) {
  EXPECT_EQ(device_name(c10::Device(c10::kCPU)), "cpu");
  EXPECT_EQ(device_name(c10::Device(c10::kCUDA, 1)), "cuda:1");
}

} // namespace
} // namespace peakbench::suite
