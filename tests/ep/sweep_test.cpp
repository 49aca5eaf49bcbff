// The reverse sweep: its output state, and back-propagation as its limit.
#include "ep/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ep/autograd.h"
#include "ep/energy.h"
#include "ep/experiment.h"
#include "ep/inspection.h"
#include "ep/problem.h"
#include "measure/memory.h"

namespace peakbench::ep {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::Throws;

struct Nudged {
  Loss loss;
  double temperature, beta;
};

class OutputState : public ::testing::TestWithParam<Nudged> {};

TEST_P(OutputState, IsTheMinimumByAutograd) {
  Settings settings = small_settings(3);
  settings.loss = GetParam().loss;
  settings.temperature = GetParam().temperature;
  const double beta = GetParam().beta;
  at::manual_seed(5);
  const at::Tensor prediction = at::randn({6, 4}, at::kDouble);
  const at::Tensor target = at::softmax(at::randn({6, 4}, at::kDouble), 1);
  const at::Tensor u = output_displacement(settings, prediction, target, beta);
  const OutputLayer output(settings);
  const auto energy = [&](const at::Tensor& state) {
    return output.divergence(state, prediction) + output.cost(state, target) * beta;
  };
  const Recording recording;
  const at::Tensor state = leaf(prediction + u);
  EXPECT_LT(gradients(energy(state), {state})[0].abs().max().item<double>(), 1e-12);
  const at::Tensor before = leaf(prediction + 0);
  EXPECT_GT(gradients(energy(before), {before})[0].abs().max().item<double>(), 1e-6)
      << "the prediction itself is none";
  EXPECT_LT(energy(state).item<double>(), energy(before).item<double>());
}

INSTANTIATE_TEST_SUITE_P(
    Nudges, OutputState,
    ::testing::Values(Nudged{Loss::mse, 1, 0.5}, Nudged{Loss::mse, 1, -0.3},
                      Nudged{Loss::cross_entropy, 1, 0.5}, Nudged{Loss::cross_entropy, 1, 20},
                      Nudged{Loss::cross_entropy, 1, 1e-4}, Nudged{Loss::cross_entropy, 1, -0.02},
                      Nudged{Loss::cross_entropy, 0.6, 0.5}, Nudged{Loss::cross_entropy, 2.5, 3},
                      Nudged{Loss::cross_entropy, 1.5, -0.01}),
    [](const auto& chosen) { return "case" + std::to_string(chosen.index); });

TEST(OutputState, NewtonEqualsTheClosedForm) {
  Settings settings = small_settings(3);
  at::manual_seed(6);
  const at::Tensor prediction = at::randn({6, 4}, at::kDouble) * 3;
  const at::Tensor target = at::softmax(at::randn({6, 4}, at::kDouble), 1);
  const at::Tensor closed = output_displacement(settings, prediction, target, 0.5);
  settings.temperature = 1 + 1e-13; // takes the other way
  const at::Tensor newton = output_displacement(settings, prediction, target, 0.5);
  const auto centred = [](const at::Tensor& u) { return u - u.mean(1, true); };
  EXPECT_LT(relative_distance(centred(newton), centred(closed)), 1e-9);
}

TEST(OutputState, WithoutAMinimumIsSaid) {
  for (const Loss loss : {Loss::mse, Loss::cross_entropy}) {
    Settings settings = small_settings(5);
    settings.loss = loss;
    settings.beta = 0.9;
    settings.nudge = Nudge::symmetric;
    for (const Arm arm : {Arm::ep_sweep, Arm::ep_sweep_checkpoint})
      EXPECT_THAT([&] { gradients_of(Case(settings), arm); },
                  Throws<Diverged>(Property(&Diverged::what, HasSubstr("step 1 in layer 5 of 5"))));
  }
}

// Small nudges make the sweep's gradient the back-propagated one, in every layer.
TEST(Sweep, EqualsBackPropagationForSmallBetaInAllLayers) {
  for (const Loss loss : {Loss::mse, Loss::cross_entropy})
    for (const double temperature : {1.0, 1.4})
      for (const Nudge nudge : {Nudge::one_sided, Nudge::symmetric}) {
        Settings settings = small_settings(40);
        settings.init = Init::orthogonal;
        settings.loss = loss;
        settings.temperature = temperature;
        settings.nudge = nudge;
        settings.beta = 1e-4;
        const auto expected = gradients_of(Case(settings), Arm::backprop);
        for (const Arm arm : {Arm::ep_sweep, Arm::ep_sweep_checkpoint}) {
          const auto gradients = gradients_of(Case(settings), arm);
          EXPECT_EQ(reach_of(gradients), 40);
          for (std::size_t i = 0; i < expected.size(); ++i)
            EXPECT_LT(relative_distance(gradients[i], expected[i]), 1e-3) << "layer " << i + 1;
        }
        settings.beta = 0.5;
        if (nudge == Nudge::one_sided) {
          EXPECT_GT(relative_distance(gradients_of(Case(settings), Arm::ep_sweep)[3], expected[3]),
                    1e-3)
              << "a large nudge is told apart";
        }
        EXPECT_EQ(reach_of(gradients_of(Case(settings), Arm::truncated_backprop)), settings.steps)
            << "and so is the light cone";
      }
}

TEST(Sweep, CheckpointsChangeNoBit) {
  for (const std::int64_t depth : {2, 3, 4, 5, 9, 10, 17}) {
    const Case test(small_settings(depth, at::kFloat));
    const auto expected = gradients_of(test, Arm::ep_sweep);
    const auto gradients = gradients_of(test, Arm::ep_sweep_checkpoint);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(at::equal(gradients[i].weight, expected[i].weight)) << depth << ", " << i;
      EXPECT_TRUE(at::equal(gradients[i].bias, expected[i].bias)) << depth << ", " << i;
    }
  }
}

// At a nudge as large as the seed's the gradient is that of the energy at its minimum, not
// back-propagation's; autograd says so from the energy alone.
TEST(Sweep, IsWithinRoundingOfItsReferenceAtAnyBeta) {
  for (const at::ScalarType dtype : {at::kDouble, at::kFloat})
    for (const double beta : {0.01, 0.5, 5.0}) {
      Settings settings = small_settings(12, dtype);
      settings.beta = beta;
      settings.arm = Arm::ep_sweep;
      const Case test(settings);
      const Inspection seen = inspect_step(test.settings, test.network, test.batch, {});
      EXPECT_EQ(seen.reach, 12);
      EXPECT_EQ(seen.resolved, 12);
      EXPECT_LT(seen.gradient_error, dtype == at::kDouble ? 1e-11 : 1e-4);
      EXPECT_EQ(seen.settled_steps, 1);
      ASSERT_EQ(seen.energy.size(), 2u);
      EXPECT_NEAR(seen.energy.front(), beta * seen.loss, 1e-6 * beta);
      EXPECT_NE(seen.energy.back(), seen.energy.front());
      auto wrong = gradients_of(test, Arm::ep_sweep);
      wrong[4].weight.mul_(1.01);
      Inspection told;
      compare(wrong, reference_gradients(test.problem()), told);
      EXPECT_NEAR(told.gradient_error, 0.01, 2e-3);
    }
}

// All 1000 layers, in float32, in at most 3 MB beyond the weights.
TEST(SweepMemory, ReachesAThousandLayersInThreeMegabytes) {
  Settings settings;
  settings.arm = Arm::ep_sweep_checkpoint;
  settings.depth = 1000;
  settings.init = Init::residual;
  settings.optimizer = Optimizer::sgd;
  settings.learning_rate = 1e-3;
  const auto run = [&](Arm arm) {
    settings.arm = arm;
    const measure::MemoryScope scope(measure::DeviceMemory::of(at::kCPU));
    Experiment experiment(settings, at::kCPU);
    experiment.step({});
    return scope.read().peak_bytes - experiment.weights_bytes();
  };
  EXPECT_LE(run(Arm::ep_sweep_checkpoint), 3'000'000);
  EXPECT_GT(run(Arm::ep_sweep), 3'000'000) << "without checkpoints the same check fails";
  settings.arm = Arm::ep_sweep_checkpoint;
  const Case test(settings);
  EXPECT_EQ(reach_of(gradients_of(test, Arm::ep_sweep_checkpoint)), 1000);
}

TEST(Sweep, OverflowNamesTheLayer) {
  Settings settings = small_settings(6, at::kFloat);
  settings.loss = Loss::mse;
  const Case test(settings);
  // Small activations below and large weights above: the way up is finite, the way down is not.
  const double scales[] = {1e-20, 1e-17, 1e20, 1e20};
  for (std::int64_t i = 1; i < 5; ++i) {
    test.network.layer(i).weight.mul_(scales[i - 1]);
    test.network.layer(i).bias.zero_();
  }
  EXPECT_THAT([&] { gradients_of(test, Arm::ep_sweep); },
              Throws<Diverged>(Property(&Diverged::what, HasSubstr("in layer 3 of 6"))));
}

} // namespace
} // namespace peakbench::ep
