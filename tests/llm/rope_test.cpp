#include "llm/rope.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include <cmath>

#include "base/error.h"

namespace peakbench::llm {
namespace {

ModelConfig config_of(std::int64_t head_width, double theta) {
  ModelConfig config;
  config.head_width = head_width;
  config.rope_theta = theta;
  return config;
}

TEST(Rope, PlainFrequencies) {
  const Rope rope(config_of(8, 10000));
  ASSERT_EQ(rope.frequencies().size(), 4U);
  EXPECT_DOUBLE_EQ(rope.frequencies()[0], 1);
  EXPECT_DOUBLE_EQ(rope.frequencies()[1], 0.1);
  EXPECT_DOUBLE_EQ(rope.frequencies()[3], 0.001);
}

TEST(Rope, TableHoldsCosinesThenSines) {
  const at::Tensor table =
      Rope(config_of(8, 10000)).table(std::vector<std::int64_t>{5, 6, 7}, at::kCPU);
  ASSERT_EQ(table.sizes(), (std::vector<std::int64_t>{2, 3, 4}));
  EXPECT_FLOAT_EQ(table[0][0][1].item<float>(), static_cast<float>(std::cos(0.5)));
  EXPECT_FLOAT_EQ(table[1][2][0].item<float>(), static_cast<float>(std::sin(7.0)));
}

// Values of the published code for Llama 3.2: theta 500000, factor 32, 1 and 4, context 8192.
TEST(Rope, Llama3SlowsLongWavesOnly) {
  ModelConfig config = config_of(64, 500000);
  const std::vector<double> plain = Rope(config).frequencies();
  config.rope_scaling = {"llama3", 32, 1, 4, 8192};
  const std::vector<double> scaled = Rope(config).frequencies();
  EXPECT_DOUBLE_EQ(scaled[0], plain[0]) << "wavelength 6";
  EXPECT_DOUBLE_EQ(scaled[31], plain[31] / 32) << "wavelength 2 million";
  // Pair 16: wavelength 4443 is between 2048 and 8192.
  const double kept = (8192 * plain[16] / (2 * M_PI) - 1) / 3;
  EXPECT_DOUBLE_EQ(scaled[16], (1 - kept) * plain[16] / 32 + kept * plain[16]);
  EXPECT_LT(scaled[16], plain[16]);
  EXPECT_GT(scaled[16], plain[16] / 32);
}

TEST(Rope, LinearScalingAndFactorsDivide) {
  ModelConfig config = config_of(4, 100);
  config.rope_scaling.kind = "linear";
  config.rope_scaling.factor = 2;
  config.rope_factors = {1, 5};
  const Rope rope(config);
  EXPECT_DOUBLE_EQ(rope.frequencies()[0], 0.5);
  EXPECT_DOUBLE_EQ(rope.frequencies()[1], 0.01);
}

TEST(Rope, RefusesWhatItDoesNotKnow) {
  ModelConfig config = config_of(8, 10000);
  config.rope_scaling.kind = "yarn";
  EXPECT_THROW(Rope{config}, UserError);
  config.rope_scaling.kind = "none";
  config.rope_factors = {1, 2};
  EXPECT_THROW(Rope{config}, UserError);
}

} // namespace
} // namespace peakbench::llm
