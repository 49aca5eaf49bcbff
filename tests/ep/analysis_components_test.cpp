#include <gtest/gtest.h>

#include <algorithm>

#include "ep/analysis.h"
#include "ep/experiment.h"
#include "ep/problem.h"
#include "measure/memory.h"

namespace peakbench::ep {
namespace {

using testing::small_settings;

Settings settings_of(Arm arm) {
  Settings settings = small_settings(8, at::kFloat);
  settings.arm = arm;
  return settings;
}

const Component* find(const std::vector<Component>& parts, const std::string& name) {
  const auto found = std::ranges::find(parts, name, &Component::name);
  return found == parts.end() ? nullptr : &*found;
}

class Components : public ::testing::TestWithParam<Arm> {
protected:
  Components() : parts(profile_components(settings_of(GetParam()), at::kCPU, {})) {}
  const Component& part(const std::string& name) const {
    const Component* found = find(parts, name);
    if (!found)
      throw std::runtime_error("no component " + name);
    return *found;
  }
  std::vector<Component> parts;
};

TEST_P(Components, PeaksAreBeyondTheBaseAndWithinTheStep) {
  std::int64_t greatest = 0;
  double seconds = 0;
  for (const Component& one : parts) {
    EXPECT_GE(one.held_bytes, 0) << one.name;
    EXPECT_GE(one.peak_bytes, one.held_bytes) << one.name;
    EXPECT_LE(one.peak_bytes, part("step").peak_bytes) << one.name;
    if (one.name == "step")
      continue;
    greatest = std::max(greatest, one.peak_bytes);
    seconds += one.seconds;
  }
  EXPECT_EQ(part("step").held_bytes, 0);
  EXPECT_EQ(part("step").evaluations, 1);
  EXPECT_EQ(part("update").evaluations,
            GetParam() == Arm::ep_fused ? 1 : 8); // all in one, or by layer
  EXPECT_GT(greatest, 0);
  // No time is counted twice: exclusive times cannot add up to more than the whole.
  EXPECT_LE(seconds, part("step").seconds);
}

// The step's peak is the one that a record of the case shows, less weights and batch.
TEST_P(Components, TheStepsPeakIsTheCases) {
  const Settings settings = settings_of(GetParam());
  measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU);
  Experiment experiment(settings, at::kCPU);
  const measure::MemoryScope scope(memory);
  experiment.step({});
  EXPECT_EQ(part("step").peak_bytes, scope.read().peak_bytes);
}

INSTANTIATE_TEST_SUITE_P(Arms, Components,
                         ::testing::Values(Arm::backprop, Arm::ep_autograd, Arm::ep_manual,
                                           Arm::ep_analytic, Arm::ep_fused),
                         [](const auto& arm) { return std::string(name_of(arm.param)); });

TEST(ComponentCounts, AreThoseOfTheAlgorithm) {
  const auto autograd = profile_components(settings_of(Arm::ep_autograd), at::kCPU, {});
  EXPECT_EQ(find(autograd, "settling")->evaluations, 2);       // free and nudged
  EXPECT_EQ(find(autograd, "energy")->evaluations, 2 * 5 + 2); // a step each, and the contrast
  EXPECT_EQ(find(autograd, "contrast")->evaluations, 1);
  const auto fused = profile_components(settings_of(Arm::ep_fused), at::kCPU, {});
  EXPECT_EQ(find(fused, "settling")->evaluations, 1); // the free phase is a no-op
  EXPECT_EQ(find(fused, "energy"), nullptr);
  for (const Arm arm : {Arm::backprop, Arm::backprop_checkpoint}) {
    const auto backprop = profile_components(settings_of(arm), at::kCPU, {});
    EXPECT_EQ(find(backprop, "settling"), nullptr);
    EXPECT_EQ(find(backprop, "contrast")->evaluations, 1);
  }
}

// What settling holds when its second phase begins: the free states. Not the weights.
TEST(ComponentCounts, HeldIsNetOfTheBase) {
  Settings settings = settings_of(Arm::ep_autograd);
  const auto parts = profile_components(settings, at::kCPU, {});
  const std::int64_t states = 4 * 6 * (7 * 12 + 4);
  EXPECT_EQ(find(parts, "settling")->held_bytes, states);
}

// States and graph are gone when the optimizer begins: what it finds is gradients, as with
// back-propagation.
TEST(ComponentCounts, TheOptimizerFindsGradientsOnly) {
  const auto of_backprop = profile_components(settings_of(Arm::backprop), at::kCPU, {});
  const std::int64_t peak = find(of_backprop, "update")->peak_bytes;
  for (const Arm arm : {Arm::ep_autograd, Arm::ep_manual, Arm::ep_finite_difference,
                        Arm::ep_analytic, Arm::ep_checkpoint, Arm::ep_batched}) {
    const auto parts = profile_components(settings_of(arm), at::kCPU, {});
    EXPECT_EQ(find(parts, "update")->peak_bytes, peak) << name_of(arm);
  }
}

TEST(ComponentCounts, TimeLimitsAndWrongSettingsAreReported) {
  EXPECT_THROW(profile_components(settings_of(Arm::ep_autograd), at::kCPU, Deadline(0)), TimedOut);
  Settings settings = settings_of(Arm::ep_autograd);
  settings.depth = 1;
  EXPECT_THROW(profile_components(settings, at::kCPU, {}), UserError);
}

} // namespace
} // namespace peakbench::ep
