// The criteria of ep.md, and that each of them fails for the published state gradients.
#include <gtest/gtest.h>

#include "ep/analysis.h"
#include "ep/problem.h"

namespace peakbench::ep {
namespace {

using testing::small_settings;

std::vector<Arm> comparable_arms() {
  std::vector<Arm> arms;
  for (int i = 0; i < static_cast<int>(std::size(kArmNames)); ++i)
    if (const Arm arm = static_cast<Arm>(i); comparable_with_autograd(arm))
      arms.push_back(arm);
  return arms;
}

Settings settings_of(Arm arm) {
  Settings settings = small_settings(6);
  settings.arm = arm;
  return settings;
}

class Criteria : public ::testing::TestWithParam<Arm> {};

TEST_P(Criteria, HoldForTheArmAndFailForThePublishedGradients) {
  const Comparison result = compare_with_autograd(settings_of(GetParam()), at::kCPU, {});
  EXPECT_LT(result.arm.energy, kDifferenceLimits.energy);
  EXPECT_LT(result.arm.state, kDifferenceLimits.state);
  EXPECT_LT(result.arm.loss, kDifferenceLimits.loss);
  EXPECT_GT(result.published.energy, kDifferenceLimits.energy);
  EXPECT_GT(result.published.state, kDifferenceLimits.state);
  EXPECT_GT(result.published.loss, kDifferenceLimits.loss);
}

TEST_P(Criteria, HoldForEverySettingOfTheAxes) {
  for (const Loss loss : {Loss::mse, Loss::cross_entropy})
    for (const Profile profile : {Profile::clean, Profile::compat}) {
      Settings settings = settings_of(GetParam());
      settings.loss = loss;
      settings.profile = profile;
      settings.optimizer = Optimizer::momentum;
      settings.dtype = at::kFloat; // compared in float64 all the same
      const Comparison result = compare_with_autograd(settings, at::kCPU, {});
      EXPECT_LT(result.arm.energy, kDifferenceLimits.energy);
      EXPECT_LT(result.arm.state, kDifferenceLimits.state);
      EXPECT_LT(result.arm.loss, kDifferenceLimits.loss);
      EXPECT_GT(result.published.state, kDifferenceLimits.state);
    }
}

INSTANTIATE_TEST_SUITE_P(Arms, Criteria, ::testing::ValuesIn(comparable_arms()),
                         [](const auto& arm) { return std::string(name_of(arm.param)); });

TEST(Criteria, TheReferenceIsNotComparedWithItself) {
  EXPECT_FALSE(comparable_with_autograd(Arm::ep_autograd));
  EXPECT_FALSE(comparable_with_autograd(Arm::backprop));
  EXPECT_FALSE(comparable_with_autograd(Arm::ep_sweep));
}

// Fact 5 of ep.md; a nudge that is not small is the negative control, and so is what reaches the
// last T layers only.
TEST(DistanceToBackprop, IsSmallForASweepWithASmallNudge) {
  Settings settings = settings_of(Arm::ep_sweep_checkpoint);
  settings.beta = 1e-4;
  EXPECT_LT(distance_to_backprop(settings, at::kCPU, {}), 1e-3);
  settings.beta = 0.5;
  EXPECT_GT(distance_to_backprop(settings, at::kCPU, {}), 1e-3);
  settings = settings_of(Arm::ep_fused);
  EXPECT_EQ(distance_to_backprop(settings, at::kCPU, {}), std::numeric_limits<double>::infinity());
  EXPECT_LT(distance_to_backprop(settings_of(Arm::backprop_checkpoint), at::kCPU, {}), 1e-12);
}

} // namespace
} // namespace peakbench::ep
