#include "ep/inspection.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ep/kinks.h"
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

// Depth 30 and seed 42 bring a state within 6e-7 of zero at step 13; float32 sees its unit
// inactive.
TEST(Inspection, LeavesOutRowsThatRoundingSendsAnotherWay) {
  Settings settings;
  settings.depth = 30;
  settings.init = Init::orthogonal;
  settings.arm = Arm::ep_fused;
  settings.dtype = at::kFloat;
  const Case test(settings);
  const Inspection seen = inspect_step(test.settings, test.network, test.batch, {});
  EXPECT_LE(seen.kink_rows, 2);
  EXPECT_LT(seen.gradient_error, 1e-4);
  EXPECT_GT(seen.resolved, 10);
  Inspection all;
  compare(gradients_of(test, Arm::ep_fused), reference_gradients(test.problem()), all);
  if (all.gradient_error > 1e-3) { // so on this rounding; another instruction set may have another
    EXPECT_GT(seen.kink_rows, 0);
  }
}

// States that differ by more than rounding excuse no row.
TEST(KinkWatch, TellsRoundingFromErrors) {
  struct View : SettlingView {
    double energy() const override { return 0; }
    at::Tensor state(std::int64_t) const override { return states; }
    std::int64_t first_non_finite() const override { return -1; }
    at::Tensor states;
  } arm, reference;
  arm.states = at::ones({4, 3});
  reference.states = at::ones({4, 3}, at::kDouble);
  arm.states[1][0] = -1e-7; // within rounding
  reference.states[1][0] = 1e-7;
  arm.states[2][1] = -1e-7; // not
  reference.states[2][1] = 0.01;
  PhaseWatch watch(0, 2);
  watch.after_step(0.5, 1, arm);
  KinkWatch kinks(watch, 4);
  kinks.after_step(0.5, 1, reference);
  kinks.after_step(0.5, 2, reference); // a step that the arm did not do
  EXPECT_EQ(kinks.rows().count, 1);
  EXPECT_TRUE(at::equal(kinks.rows().others, at::tensor({0, 2, 3}, at::kLong)));
  reference.states[1][0] = 2.0; // later it may be anywhere
  reference.states[2][1] = 1e-9;
  watch.after_step(0.5, 3, arm);
  kinks.after_step(0.5, 3, reference);
  EXPECT_EQ(kinks.rows().count, 1) << "and a row that was wrong stays wrong";
}

// A thousand layers of init orthogonal: float32 and float64 part in some rows on the way up.
TEST(Inspection, LeavesOutRowsThatPartOnTheWayUp) {
  Settings settings = small_settings(400, at::kFloat);
  settings.width = 64;
  settings.batch = 16;
  settings.init = Init::orthogonal;
  settings.arm = Arm::ep_sweep;
  const Case test(settings);
  const Inspection seen = inspect_step(test.settings, test.network, test.batch, {});
  EXPECT_LT(seen.kink_rows, 16);
  EXPECT_LT(seen.gradient_error, 1e-3);
  EXPECT_EQ(seen.reach, 400);
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
