#include "ep/inspection.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ep/problem.h"

namespace peakbench::ep {
namespace {

using namespace testing;

Inspection inspected(Settings settings, Arm arm) {
  settings.arm = arm;
  const Case test(settings);
  return inspect_step(test.settings, test.network, test.batch, {});
}

TEST(Inspection, TellsReachErrorAndNorms) {
  const Settings settings = small_settings(9, at::kFloat);
  for (const Arm arm : {Arm::backprop, Arm::backprop_checkpoint}) {
    const Inspection seen = inspected(settings, arm);
    EXPECT_EQ(seen.reach, 9);
    EXPECT_EQ(seen.resolved, 9);
    EXPECT_LT(seen.gradient_error, 1e-5);
    EXPECT_TRUE(seen.energy.empty());
  }
  for (const Arm arm : {Arm::truncated_backprop, Arm::ep_fused}) {
    const Inspection seen = inspected(settings, arm);
    EXPECT_EQ(seen.reach, 5);
    EXPECT_EQ(seen.resolved, 5);
    EXPECT_LT(seen.gradient_error, 1e-5);
    EXPECT_EQ(seen.gradient_norm.size(), 9u);
    EXPECT_EQ(seen.gradient_norm[3], 0);
    EXPECT_GT(seen.gradient_norm[4], 0);
  }
  for (const Arm arm : {Arm::ep_autograd, Arm::ep_manual, Arm::ep_analytic}) {
    const Inspection seen = inspected(settings, arm);
    EXPECT_GE(seen.reach, 5);
    EXPECT_GE(seen.resolved, 1);
    EXPECT_LT(seen.gradient_error, 1e-2);
    ASSERT_EQ(seen.energy.size(), 6u);
    EXPECT_LT(seen.energy.back(), seen.energy.front());
  }
}

TEST(Inspection, TellsTheCosineToBackPropagation) {
  Settings settings = small_settings(9);
  const Inspection itself = inspected(settings, Arm::backprop);
  EXPECT_NEAR(itself.cosine, 1, 1e-14);
  ASSERT_EQ(itself.cosine_to_backprop.size(), 9u);
  for (const double cosine : itself.cosine_to_backprop)
    EXPECT_NEAR(cosine, 1, 1e-14);
  EXPECT_EQ(itself.settled_steps, -1);
  const Inspection truncated = inspected(settings, Arm::truncated_backprop);
  EXPECT_TRUE(std::isnan(truncated.cosine_to_backprop[3])) << "not in reach";
  EXPECT_NEAR(truncated.cosine_to_backprop[4], 1, 1e-14);
  EXPECT_LT(truncated.cosine, 0.999);
  settings.beta = 1e-4;
  for (const double cosine : inspected(settings, Arm::ep_sweep).cosine_to_backprop)
    EXPECT_GT(cosine, 1 - 1e-6);
  const Inspection settled = inspected(settings, Arm::ep_fused);
  EXPECT_EQ(settled.settled_steps, settings.steps);
  EXPECT_LT(settled.cosine, 1 - 1e-6) << "five steps do not settle";
  EXPECT_GT(settled.cosine, 0);
}

TEST(Inspection, LossIsTheMeanCrossEntropy) {
  const Settings settings = small_settings(3);
  EXPECT_NEAR(inspected(settings, Arm::backprop).loss, inspected(settings, Arm::ep_fused).loss,
              1e-14);
  EXPECT_GT(inspected(settings, Arm::backprop).loss, 0.1);
}

// The cut reference is the whole network's autograd gradient.
TEST(Reference, EqualsAutogradOverAllLayers) {
  Settings settings = small_settings(9);
  settings.arm = Arm::ep_fused;
  const Case test(settings);
  const Reference reference = reference_gradients(test.problem());
  const auto whole = gradients_of(test, Arm::ep_autograd);
  EXPECT_EQ(reference.gradients.first, 3);
  ASSERT_EQ(reference.gradients.gradients.size(), 6u);
  for (std::size_t i = 1; i < 6; ++i)
    EXPECT_LT(relative_distance(reference.gradients.gradients[i], whole[3 + i]), 1e-7);
  EXPECT_LT(reference.gradients.gradients[0].weight.abs().max().item<double>(), 1e-14);
}

TEST(Compare, FindsAWrongLayerAndAMissingOne) {
  Settings settings = small_settings(9);
  settings.arm = Arm::ep_fused;
  const Case test(settings);
  const Reference reference = reference_gradients(test.problem());
  auto gradients = gradients_of(test, Arm::ep_fused);
  Inspection right, wrong, missing;
  compare(gradients, reference, right);
  EXPECT_LT(right.gradient_error, 1e-6);
  EXPECT_EQ(right.reach, 5);
  gradients[5].weight.mul_(1.01);
  compare(gradients, reference, wrong);
  EXPECT_NEAR(wrong.gradient_error, 0.01, 1e-3);
  gradients[5] = {};
  compare(gradients, reference, missing);
  EXPECT_EQ(missing.reach, 4);
}

} // namespace
} // namespace peakbench::ep
