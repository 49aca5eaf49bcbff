// The light cone: what moves when, and that the cone alone is the whole story.
#include <gtest/gtest.h>

#include "ep/cone.h"
#include "ep/energy.h"
#include "ep/problem.h"

namespace peakbench::ep {
namespace {

using namespace testing;

std::vector<std::vector<at::Tensor>> recorded(const Case& test, Arm arm, bool nudged) {
  Settings settings = test.settings;
  settings.arm = arm;
  StateRecorder recorder(settings.depth, nudged);
  Collected sink(settings.depth);
  run_arm({settings, test.network, test.batch, &recorder, test.deadline}, sink);
  return recorder.steps;
}

class LightCone : public ::testing::TestWithParam<Loss> {
protected:
  static Settings deep(at::ScalarType dtype) {
    Settings settings = small_settings(12, dtype);
    settings.loss = GetParam();
    return settings;
  }
};

TEST_P(LightCone, FreeSettlingIsANoOp) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const Case test(deep(dtype));
    const std::vector<at::Tensor> forward = forward_states(test.network, test.batch.input);
    for (const auto& states : recorded(test, Arm::ep_analytic, false))
      for (std::size_t i = 0; i < states.size(); ++i)
        EXPECT_TRUE(at::equal(states[i], forward[i]));
  }
}

TEST_P(LightCone, StepReachesOneMoreLayer) {
  const Case test(deep(at::kDouble));
  const std::vector<at::Tensor> forward = forward_states(test.network, test.batch.input);
  const auto steps = recorded(test, Arm::ep_analytic, true);
  ASSERT_EQ(steps.size(), 6u);
  for (std::size_t t = 0; t < steps.size(); ++t)
    for (std::size_t i = 0; i < forward.size(); ++i)
      EXPECT_EQ(at::equal(steps[t][i], forward[i]), i + t < forward.size())
          << "step " << t << ", layer " << i + 1;
}

// Settling only the network's end, fed with what enters it, gives the same bits.
TEST_P(LightCone, SettlingTheConeAloneIsBitwiseTheSame) {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const Case whole(deep(dtype));
    Settings end_settings = whole.settings;
    end_settings.depth = whole.settings.steps;
    Case end(end_settings);
    const std::size_t cut = 12 - 5;
    end.batch = whole.batch;
    end.batch.input = activate(forward_states(whole.network, whole.batch.input)[cut - 1]);
    end.network.layers.assign(whole.network.layers.begin() + cut, whole.network.layers.end());

    const auto expected = recorded(whole, Arm::ep_analytic, true).back();
    const auto states = recorded(end, Arm::ep_analytic, true).back();
    const auto expected_gradients = gradients_of(whole, Arm::ep_analytic);
    const auto gradients = gradients_of(end, Arm::ep_analytic);
    for (std::size_t i = 0; i < states.size(); ++i) {
      EXPECT_TRUE(at::equal(states[i], expected[cut + i]));
      EXPECT_TRUE(at::equal(gradients[i].weight, expected_gradients[cut + i].weight));
      EXPECT_TRUE(at::equal(gradients[i].bias, expected_gradients[cut + i].bias));
    }
    for (std::size_t i = 0; i < cut; ++i)
      EXPECT_TRUE(is_zero(expected_gradients[i]));
  }
}

TEST_P(LightCone, DeltaFormFollowsThePlainStates) {
  const Case test(deep(at::kDouble));
  const auto plain = recorded(test, Arm::ep_analytic, true);
  const auto delta = recorded(test, Arm::ep_fused, true);
  ASSERT_EQ(plain.size(), delta.size());
  for (std::size_t t = 0; t < plain.size(); ++t)
    for (std::size_t i = 0; i < plain[t].size(); ++i) {
      ASSERT_EQ(delta[t][i].defined(), i >= 7) << "only the last T layers are held";
      if (delta[t][i].defined()) {
        EXPECT_LT(relative_distance(delta[t][i], plain[t][i]), 1e-13);
      }
    }
}

TEST_P(LightCone, EnergyIsTheOneOfAllLayers) {
  struct Trace : Observer {
    void after_step(double beta, std::int64_t, const SettlingView& view) override {
      if (beta != 0)
        energy.push_back(view.energy());
    }
    std::vector<double> energy;
  } whole, cone;
  Case test(deep(at::kDouble));
  Collected sink(test.settings.depth);
  test.settings.arm = Arm::ep_analytic;
  run_arm(test.problem(&whole), sink);
  test.settings.arm = Arm::ep_fused;
  run_arm(test.problem(&cone), sink);
  ASSERT_EQ(whole.energy.size(), 6u);
  for (std::size_t t = 0; t < whole.energy.size(); ++t)
    EXPECT_NEAR(cone.energy[t], whole.energy[t], 1e-12);
  EXPECT_LT(whole.energy.back(), whole.energy.front()) << "settling goes downhill";
}

INSTANTIATE_TEST_SUITE_P(Losses, LightCone, ::testing::Values(Loss::mse, Loss::cross_entropy),
                         [](const auto& loss) {
                           return std::string(kLossNames[static_cast<std::size_t>(loss.param)]);
                         });

// Fact 3: a row settles as it would alone.
TEST(Cone, RowsOfTheBatchDoNotInteract) {
  const Case all(small_settings(8));
  Case some(all.settings);
  some.settings.batch = 2;
  some.batch = {all.batch.input.slice(0, 2, 4), all.batch.labels.slice(0, 2, 4),
                all.batch.target.slice(0, 2, 4)};
  const auto expected = recorded(all, Arm::ep_fused, true).back();
  const auto states = recorded(some, Arm::ep_fused, true).back();
  for (std::size_t i = 3; i < states.size(); ++i)
    EXPECT_LT(relative_distance(states[i], expected[i].slice(0, 2, 4)), 1e-14);
  EXPECT_GT(relative_distance(states.back(), expected.back().slice(0, 0, 2)), 1e-3);
}

} // namespace
} // namespace peakbench::ep
