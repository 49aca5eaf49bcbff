#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "ep/experiment.h"
#include "ep/problem.h"
#include "measure/memory.h"

namespace peakbench::ep {
namespace {

using namespace testing;

struct Shape {
  const char* name;
  std::int64_t depth, steps;
};

class Fused : public ::testing::TestWithParam<std::tuple<Shape, Loss, Profile>> {
protected:
  static Settings chosen() {
    const auto& [shape, loss, profile] = GetParam();
    Settings settings = small_settings(shape.depth);
    settings.steps = shape.steps;
    settings.loss = loss;
    settings.profile = profile;
    return settings;
  }
};

// Plain states of size 1 carry rounding of 1e-16; a gradient is that over beta.
constexpr double kRounding = 1e-14;

TEST_P(Fused, EqualsAnalyticOnAllLayersInReach) {
  const Case test(chosen());
  const auto expected = gradients_of(test, Arm::ep_analytic);
  const auto gradients = gradients_of(test, Arm::ep_fused);
  const auto first = static_cast<std::size_t>(first_settling_layer(test.settings));
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    if (i < first) {
      EXPECT_TRUE(is_zero(expected[i])) << "layer " << i + 1 << " is not in the cone";
      EXPECT_FALSE(gradients[i].weight.defined());
      continue;
    }
    EXPECT_FALSE(is_zero(gradients[i])) << "layer " << i + 1;
    EXPECT_TRUE(near(gradients[i], expected[i], 1e-8, kRounding)) << "layer " << i + 1;
    Layer wrong{gradients[i].weight * (1 + 1e-6) + 1e-12, gradients[i].bias};
    EXPECT_FALSE(near(wrong, expected[i], 1e-8, kRounding)) << "the check tells 1e-6 apart";
  }
  if (test.settings.profile == Profile::clean) {
    EXPECT_EQ(reach_of(gradients), std::min(test.settings.depth, test.settings.steps));
    EXPECT_EQ(reach_of(expected), std::min(test.settings.depth, test.settings.steps));
  }
}

TEST_P(Fused, AnalyticAndManualEqualAutograd) {
  const Case test(chosen());
  const auto expected = gradients_of(test, Arm::ep_autograd);
  const auto manual = gradients_of(test, Arm::ep_manual);
  const auto analytic = gradients_of(test, Arm::ep_analytic);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(near(analytic[i], expected[i], 1e-8, kRounding)) << "layer " << i + 1;
    EXPECT_TRUE(near(manual[i], expected[i], 1e-8, kRounding)) << "layer " << i + 1;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Fused,
    ::testing::Combine(::testing::Values(Shape{"deeper_than_steps", 9, 5},
                                         Shape{"as_deep_as_steps", 5, 5},
                                         Shape{"shallower_than_steps", 4, 9},
                                         Shape{"two_layers", 2, 6}, Shape{"one_step", 6, 1}),
                       ::testing::Values(Loss::mse, Loss::cross_entropy),
                       ::testing::Values(Profile::clean, Profile::compat)),
    [](const auto& chosen) {
      return std::string(std::get<0>(chosen.param).name) + "_" +
             std::string(kLossNames[static_cast<std::size_t>(std::get<1>(chosen.param))]) + "_" +
             std::string(kProfileNames[static_cast<std::size_t>(std::get<2>(chosen.param))]);
    });

// At the seed's width and T = 30, where gradients span 18 orders of magnitude.
TEST(FusedFloat32, DeltaFormIsAccurateOnAllLayersAndThePlainFormIsNot) {
  Settings settings;
  settings.depth = 40;
  settings.dtype = at::kFloat;
  const Case single(settings);
  const Case oracle = converted(single, at::kDouble);
  const auto expected = gradients_of(oracle, Arm::ep_fused);
  const auto delta = gradients_of(single, Arm::ep_fused);
  const auto plain = gradients_of(single, Arm::ep_analytic);
  std::int64_t lost = 0;
  for (std::size_t i = 10; i < 40; ++i) {
    EXPECT_LT(relative_distance(delta[i], expected[i]), 1e-4) << "layer " << i + 1;
    lost += is_zero(plain[i]) || relative_distance(plain[i], expected[i]) > 0.5 ? 1 : 0;
  }
  EXPECT_GE(lost, 13) << "float32 states round the signal away after 7 to 17 layers";
  // Where the plain form holds in float32, both forms agree.
  for (std::size_t i = 36; i < 40; ++i)
    EXPECT_LT(relative_distance(delta[i], plain[i]), 1e-3) << "layer " << i + 1;
  // And in float64 both forms agree as far as float64 carries the plain one.
  const auto plain_oracle = gradients_of(oracle, Arm::ep_analytic);
  for (std::size_t i = 26; i < 40; ++i)
    EXPECT_LT(relative_distance(expected[i], plain_oracle[i]), 1e-4) << "layer " << i + 1;
}

std::int64_t bytes_beyond_weights(Arm arm, Optimizer optimizer, std::int64_t depth) {
  Settings settings;
  settings.arm = arm;
  settings.depth = depth;
  settings.width = 32;
  settings.steps = 8;
  settings.optimizer = optimizer;
  measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU);
  const measure::MemoryScope scope(memory);
  Experiment experiment(settings, at::kCPU);
  for (int repeat = 0; repeat < 2; ++repeat) {
    experiment.step({});
    experiment.step({});
    experiment.reset();
  }
  return scope.read().peak_bytes - experiment.weights_bytes();
}

TEST(FusedMemory, IsFlatInDepthToTheByte) {
  for (const Optimizer optimizer : {Optimizer::sgd, Optimizer::momentum, Optimizer::muon}) {
    EXPECT_EQ(bytes_beyond_weights(Arm::ep_fused, optimizer, 100),
              bytes_beyond_weights(Arm::ep_fused, optimizer, 500));
    EXPECT_EQ(bytes_beyond_weights(Arm::ep_fused, optimizer, 16),
              bytes_beyond_weights(Arm::ep_fused, optimizer, 100));
  }
}

// Ranks share a machine's cores: the same case on more ranks runs on fewer threads.
TEST(FusedMemory, DoesNotDependOnThreads) {
  for (const std::int64_t depth : {4, 20}) {
    at::set_num_threads(2);
    const std::int64_t two = bytes_beyond_weights(Arm::ep_fused, Optimizer::sgd, depth);
    at::set_num_threads(1);
    EXPECT_EQ(bytes_beyond_weights(Arm::ep_fused, Optimizer::sgd, depth), two);
  }
}

TEST(FusedMemory, IsMostlySavedAndTheOthersGrow) {
  const std::int64_t fused = bytes_beyond_weights(Arm::ep_fused, Optimizer::muon, 500);
  const std::int64_t autograd = bytes_beyond_weights(Arm::ep_autograd, Optimizer::muon, 100);
  EXPECT_LT(fused * 5, autograd) << "already at a fifth of the depth";
  EXPECT_GT(bytes_beyond_weights(Arm::ep_analytic, Optimizer::sgd, 60),
            bytes_beyond_weights(Arm::ep_analytic, Optimizer::sgd, 40));
}

} // namespace
} // namespace peakbench::ep
