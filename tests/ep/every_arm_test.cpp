// The settling arms against ep_autograd, over every axis that they share.
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include "ep/problem.h"
#include "ep/recorded_energy.h"

namespace peakbench::ep {
namespace {

using namespace testing;

// Plain states of size 1 carry rounding of 1e-16; a gradient is that over beta.
constexpr double kRounding = 1e-14;

struct Axis {
  const char* name;
  void (*apply)(Settings&);
};
constexpr Axis kAxes[] = {
    {"as_shipped", [](Settings&) {}},
    {"mse", [](Settings& s) { s.loss = Loss::mse; }},
    {"compat", [](Settings& s) { s.profile = Profile::compat; }},
    {"symmetric", [](Settings& s) { s.nudge = Nudge::symmetric; }},
    {"symmetric_mse_compat",
     [](Settings& s) {
       s.nudge = Nudge::symmetric;
       s.loss = Loss::mse;
       s.profile = Profile::compat;
     }},
    {"rows_stop",
     [](Settings& s) {
       s.tolerance = 0.02;
       s.steps = 30;
     }},
    {"early_stop",
     [](Settings& s) {
       s.profile = Profile::compat;
       s.tolerance = 1e-2;
       s.steps = 20;
     }},
    {"adaptive",
     [](Settings& s) {
       s.profile = Profile::compat;
       s.adaptive = true;
       s.loss = Loss::mse; // the free phase is exactly at rest
       s.rate = 5;
       s.steps = 12;
     }},
    {"two_layers", [](Settings& s) { s.depth = 2; }},
    {"three_layers", [](Settings& s) { s.depth = 3; }},
    {"wider_than_the_batch",
     [](Settings& s) {
       s.width = 33;
       s.batch = 1;
     }},
    {"temperature", [](Settings& s) { s.temperature = 1.7; }},
};

class EveryAxis : public ::testing::TestWithParam<Axis> {
protected:
  static Settings chosen() {
    Settings settings = small_settings(7);
    GetParam().apply(settings);
    return settings;
  }
};

TEST_P(EveryAxis, TheArmsAgreeWithAutograd) {
  const Case test(chosen());
  const auto expected = gradients_of(test, Arm::ep_autograd);
  ASSERT_GE(reach_of(expected), 2);
  for (const Arm arm : {Arm::ep_manual, Arm::ep_checkpoint, Arm::ep_analytic, Arm::ep_batched}) {
    const auto gradients = gradients_of(test, arm);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_TRUE(near(gradients[i], expected[i], 1e-8, kRounding))
          << name_of(arm) << ", layer " << i + 1;
  }
  const auto differences = gradients_of(test, Arm::ep_finite_difference);
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(near(differences[i], expected[i], 1e-6, 1e-9)) << "layer " << i + 1;
}

TEST_P(EveryAxis, TheConeAgreesWithAutograd) {
  const Case test(chosen());
  const auto expected = gradients_of(test, Arm::ep_autograd);
  const auto gradients = gradients_of(test, Arm::ep_fused);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (gradients[i].weight.defined()) {
      EXPECT_TRUE(near(gradients[i], expected[i], 1e-8, kRounding)) << "layer " << i + 1;
    } else {
      EXPECT_TRUE(near(expected[i],
                       {at::zeros_like(expected[i].weight), at::zeros_like(expected[i].bias)}, 0,
                       kRounding))
          << "layer " << i + 1;
    }
  }
}

// The axis does something, so that agreeing on it says something.
TEST_P(EveryAxis, DiffersFromTheSameWithoutTheAxis) {
  Settings plain = chosen();
  const Settings usual = small_settings(7);
  const bool changes_the_rule = plain.nudge != usual.nudge || plain.tolerance != usual.tolerance ||
                                plain.adaptive != usual.adaptive;
  if (!changes_the_rule)
    return; // other shapes, losses and profiles are other problems, not other rules
  const auto with = gradients_of(Case(plain), Arm::ep_analytic);
  plain.nudge = usual.nudge;
  plain.tolerance = 0;
  plain.adaptive = false;
  const auto without = gradients_of(Case(plain), Arm::ep_analytic);
  EXPECT_FALSE(near(with.back(), without.back(), 1e-6, 0));
}

INSTANTIATE_TEST_SUITE_P(Axes, EveryAxis, ::testing::ValuesIn(kAxes),
                         [](const auto& axis) { return std::string(axis.param.name); });

// The published force, without relu' W^T e, fails the check that the arms pass.
TEST(EveryArm, ThePublishedForceIsToldApart) {
  const Case test(small_settings(4));
  const auto expected = gradients_of(test, Arm::ep_autograd);
  const Problem problem = test.problem();
  const c10::NoGradGuard no_recording;
  const Phases phases = settle_phases(problem, [&](PlainStates& now, double beta) {
    PlainStates full = now; // the full force where the published one is right: at the output
    for (at::Tensor& state : full.states)
      state = state.clone();
    for (at::Tensor& velocity : full.velocities)
      velocity = velocity.clone();
    std::vector<at::Tensor> forces;
    for (std::size_t i = 0; i + 1 < now.states.size(); ++i)
      forces.push_back(now.states[i] -
                       predict(problem.network.layers[i],
                               i == 0 ? problem.batch.input : activate(now.states[i - 1])));
    step_by_autograd(problem, full, beta, problem.network.depth());
    for (std::size_t i = 0; i < forces.size(); ++i)
      apply_force(problem.settings, now, i, std::move(forces[i]));
    now.states.back().copy_(full.states.back());
    now.velocities.back().copy_(full.velocities.back());
  });
  const GradientSet published = contrast_by_autograd(problem, phases, 4);
  EXPECT_FALSE(near(published.gradients[2], expected[2], 1e-3, kRounding));
}

// A network that was not drawn as one block is stacked for the batched products.
TEST(EpBatched, TakesANetworkOfSeparateTensors) {
  const Case test(small_settings(6));
  const Case single = converted(test, at::kFloat);
  const Case apart = converted(single, at::kDouble);
  ASSERT_FALSE(hidden_block(apart.network).weight.is_alias_of(apart.network.layer(1).weight));
  const auto expected = gradients_of(apart, Arm::ep_analytic);
  const auto gradients = gradients_of(apart, Arm::ep_batched);
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(near(gradients[i], expected[i], 1e-8, kRounding));
}

TEST(Network, HiddenLayersAreSlicesOfOneBlock) {
  const Case test(small_settings(6));
  const Layer block = hidden_block(test.network);
  for (std::int64_t i = 1; i + 1 < 6; ++i) {
    EXPECT_TRUE(at::equal(block.weight[i - 1], test.network.layer(i).weight));
    EXPECT_EQ(block.weight[i - 1].data_ptr(), test.network.layer(i).weight.data_ptr());
    EXPECT_EQ(block.bias[i - 1].data_ptr(), test.network.layer(i).bias.data_ptr());
  }
  EXPECT_FALSE(hidden_block(Case(small_settings(2)).network).weight.defined());
}

} // namespace
} // namespace peakbench::ep
