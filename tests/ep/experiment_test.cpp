#include "ep/experiment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ep/problem.h"
#include "measure/memory.h"

namespace peakbench::ep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Property;
using ::testing::Throws;

constexpr Arm kArms[] = {Arm::backprop,
                         Arm::backprop_checkpoint,
                         Arm::backprop_streamed,
                         Arm::truncated_backprop,
                         Arm::ep_autograd,
                         Arm::ep_manual,
                         Arm::ep_finite_difference,
                         Arm::ep_analytic,
                         Arm::ep_checkpoint,
                         Arm::ep_batched,
                         Arm::ep_sweep,
                         Arm::ep_sweep_checkpoint,
                         Arm::ep_fused};
static_assert(std::size(kArms) == std::size(kArmNames));

Settings chosen(Arm arm) {
  Settings settings = testing::small_settings(8, at::kFloat);
  settings.arm = arm;
  settings.optimizer = Optimizer::muon;
  return settings;
}

class EveryArm : public ::testing::TestWithParam<Arm> {};

TEST_P(EveryArm, StepsChangeTheWeightsAndResetPutsThemBack) {
  Experiment experiment(chosen(GetParam()), at::kCPU);
  const std::uint64_t initial = experiment.weights_fingerprint();
  experiment.step({});
  const std::uint64_t once = experiment.weights_fingerprint();
  experiment.step({});
  const std::uint64_t twice = experiment.weights_fingerprint();
  EXPECT_NE(initial, once);
  EXPECT_NE(once, twice);
  experiment.reset();
  EXPECT_EQ(experiment.weights_fingerprint(), initial);
  experiment.step({});
  experiment.step({});
  EXPECT_EQ(experiment.weights_fingerprint(), twice) << "the optimizer starts again, too";
}

TEST_P(EveryArm, InspectionIsOfTheInitialWeightsAndChangesNothing) {
  Experiment experiment(chosen(GetParam()), at::kCPU);
  const Inspection before = experiment.inspect({});
  experiment.step({});
  const std::uint64_t stepped = experiment.weights_fingerprint();
  const Inspection after = experiment.inspect({});
  EXPECT_EQ(experiment.weights_fingerprint(), stepped);
  EXPECT_EQ(before.loss, after.loss);
  EXPECT_EQ(before.gradient_norm, after.gradient_norm);
  EXPECT_EQ(before.energy, after.energy);
}

TEST_P(EveryArm, RepeatsHaveTheSamePeak) {
  measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU);
  Experiment experiment(chosen(GetParam()), at::kCPU);
  std::vector<std::int64_t> peaks;
  for (int repeat = 0; repeat < 3; ++repeat) {
    experiment.reset();
    const measure::MemoryScope scope(memory);
    experiment.step({});
    peaks.push_back(scope.read().peak_bytes);
  }
  EXPECT_GT(peaks[0], 0);
  EXPECT_EQ(peaks[0], peaks[1]);
  EXPECT_EQ(peaks[0], peaks[2]);
}

TEST_P(EveryArm, LearnsItsBatch) {
  Settings settings = chosen(GetParam());
  settings.optimizer = Optimizer::sgd;
  settings.learning_rate = 0.05;
  const testing::Case test(settings);
  struct Update : GradientSink {
    explicit Update(const testing::Case& where) : test(where) {}
    void accept(std::int64_t layer, const at::Tensor& weight, const at::Tensor& bias) override {
      test.network.layer(layer).weight.sub_(weight, test.settings.learning_rate);
      test.network.layer(layer).bias.sub_(bias, test.settings.learning_rate);
    }
    const testing::Case& test;
  } update(test);
  const auto loss = [&] {
    at::Tensor state = test.batch.input;
    for (std::int64_t i = 0; i < settings.depth; ++i)
      state = predict(test.network.layer(i), i == 0 ? state : activate(state));
    return -(test.batch.target * at::log_softmax(state, 1)).sum().item<double>();
  };
  const double before = loss();
  for (int step = 0; step < 20; ++step)
    run_arm(test.problem(), update);
  EXPECT_LT(loss(), before * 0.97);
}

TEST_P(EveryArm, StopsAtTheDeadline) {
  Experiment experiment(chosen(GetParam()), at::kCPU);
  EXPECT_THROW(experiment.step(Deadline(0)), TimedOut);
}

INSTANTIATE_TEST_SUITE_P(Arms, EveryArm, ::testing::ValuesIn(kArms),
                         [](const auto& arm) { return std::string(name_of(arm.param)); });

// Not ep_finite_difference: of energies that large no difference is left, and nothing moves.
class EverySettlingArm : public ::testing::TestWithParam<Arm> {};

TEST_P(EverySettlingArm, DivergenceNamesStepAndLayerAndLeavesTheWeights) {
  Settings settings = chosen(GetParam());
  settings.rate = 1e12;
  settings.steps = 20;
  settings.loss = Loss::mse;
  Experiment experiment(settings, at::kCPU);
  const std::uint64_t initial = experiment.weights_fingerprint();
  EXPECT_THAT([&] { experiment.step({}); },
              Throws<Diverged>(Property(&Diverged::what,
                                        AllOf(HasSubstr("at step "), HasSubstr("in layer "),
                                              HasSubstr("of 8"), HasSubstr("training step 1")))));
  EXPECT_EQ(experiment.weights_fingerprint(), initial);
}

INSTANTIATE_TEST_SUITE_P(Arms, EverySettlingArm,
                         ::testing::Values(Arm::ep_autograd, Arm::ep_manual, Arm::ep_analytic,
                                           Arm::ep_checkpoint, Arm::ep_batched, Arm::ep_fused),
                         [](const auto& arm) { return std::string(name_of(arm.param)); });

TEST(Experiment, BackpropDivergenceIsFound) {
  Settings settings = chosen(Arm::backprop);
  settings.optimizer = Optimizer::sgd;
  settings.learning_rate = 1e30;
  Experiment experiment(settings, at::kCPU);
  EXPECT_THROW(
      {
        for (int step = 0; step < 5; ++step)
          experiment.step({});
      },
      Diverged);
}

TEST(Experiment, CountsTheWeights) {
  const measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU); // before any tensor
  const measure::LiveBytes before = memory.live();
  Experiment experiment(chosen(Arm::ep_fused), at::kCPU);
  EXPECT_EQ(experiment.weights_bytes(), 4 * (9 * 12 + 12 + 6 * (12 * 12 + 12) + 12 * 4 + 4));
  const auto weights = measure::index_of(measure::Tag::weights);
  EXPECT_EQ(memory.live().by_tag[weights] - before.by_tag[weights], experiment.weights_bytes());
}

TEST(Experiment, RefusesWhatNoArmCanRun) {
  const auto refuses = [](auto change, const char* what) {
    Settings settings = chosen(Arm::ep_fused);
    change(settings);
    EXPECT_THAT([&] { Experiment(settings, at::kCPU); },
                Throws<UserError>(Property(&UserError::what, HasSubstr(what))));
  };
  refuses([](Settings& s) { s.depth = 1; }, "depth");
  refuses([](Settings& s) { s.depth = 0; }, "depth");
  refuses([](Settings& s) { s.steps = 0; }, "steps");
  refuses([](Settings& s) { s.rate = 0; }, "rate");
  refuses([](Settings& s) { s.beta = 0; }, "beta");
  refuses([](Settings& s) { s.momentum = 1; }, "momentum");
  refuses([](Settings& s) { s.temperature = -1; }, "temperature");
  refuses([](Settings& s) { s.batch = 0; }, "batch");
  refuses([](Settings& s) { s.dtype = at::kBFloat16; }, "dtype");
  refuses([](Settings& s) { s.tolerance = -1; }, "tolerance");
  refuses([](Settings& s) { s.adaptive = true; }, "adaptive");
}

} // namespace
} // namespace peakbench::ep
