// The GPU's cone, its kernel run on the CPU, against the ATen cone in float64.
#include "ep/cone_cuda.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "ep/optimizer.h"
#include "ep/problem.h"
#include "support/kernels_on_cpu.h"

namespace peakbench::ep {
namespace {

using namespace testing;
using peakbench::testing::kEpDeviceOnCpu;

struct EnergyTrace : Observer {
  void after_step(double, std::int64_t, const SettlingView& view) override {
    energy.push_back(view.energy());
  }
  std::vector<double> energy;
};

class DeviceCone : public ::testing::TestWithParam<std::tuple<std::int64_t, std::int64_t, Loss>> {
protected:
  static Settings chosen() {
    const auto& [depth, batch, loss] = GetParam();
    Settings settings = small_settings(depth, at::kFloat);
    settings.batch = batch;
    settings.loss = loss;
    return settings;
  }
};

TEST_P(DeviceCone, EqualsTheAtenConeInFloat64) {
  const Settings settings = chosen();
  const Case single(settings);
  const Case wide = converted(single, at::kDouble);
  const Problem problem = single.problem(), oracle_problem = wide.problem();
  EnergyTrace trace, oracle_trace;
  const auto kernel = make_device_cone(problem, kEpDeviceOnCpu, nullptr);
  const auto oracle = make_aten_cone(oracle_problem);
  kernel->settle(settings.beta, &trace);
  oracle->settle(settings.beta, &oracle_trace);
  for (std::int64_t i = first_settling_layer(settings); i < settings.depth; ++i) {
    EXPECT_LT(relative_distance(kernel->error(i), oracle->error(i)), 1e-4) << "layer " << i + 1;
    EXPECT_LT(relative_distance(kernel->activation(i), oracle->activation(i)), 1e-5);
  }
  ASSERT_EQ(trace.energy.size(), oracle_trace.energy.size());
  for (std::size_t t = 0; t < trace.energy.size(); ++t)
    EXPECT_NEAR(trace.energy[t], oracle_trace.energy[t], 1e-5 * (1 + oracle_trace.energy[t]));
  kernel->settle(settings.beta * 1.1, nullptr);
  EXPECT_GT(relative_distance(kernel->error(settings.depth - 1), oracle->error(settings.depth - 1)),
            1e-2)
      << "another beta is told apart";
}

INSTANTIATE_TEST_SUITE_P(Cases, DeviceCone,
                         ::testing::Combine(::testing::Values(2, 5, 8), ::testing::Values(1, 6),
                                            ::testing::Values(Loss::mse, Loss::cross_entropy)));

struct Watched : StageWatch {
  void begin(Stage stage) override { stages.push_back(stage); }
  void end(Stage) override {}
  std::vector<Stage> stages;
};

// Two training steps with the kernel's update, against gradients that the optimizer applies; with
// and without somebody who tells settling and contrast apart.
void check_updates(Settings settings, bool watched) {
  const Case single(settings);
  const Case wide = converted(single, at::kDouble), before = converted(single, at::kDouble);
  WeightOptimizer sink(settings, single.network), oracle_sink(wide.settings, wide.network);
  Watched watch;
  for (int step = 0; step < 2; ++step) {
    Problem problem = single.problem();
    problem.stages = watched ? &watch : nullptr;
    const double scale = -1 / settings.beta / static_cast<double>(settings.batch);
    const auto cone = make_device_cone(problem, kEpDeviceOnCpu, nullptr);
    EXPECT_TRUE(cone->settle_and_update(settings.beta, scale, nullptr, sink));
    ep_fused(wide.problem(), oracle_sink);
  }
  const std::vector<Stage> twice{Stage::settling, Stage::contrast, Stage::settling,
                                 Stage::contrast};
  EXPECT_EQ(watch.stages, watched ? twice : std::vector<Stage>());
  for (std::int64_t i = 0; i < settings.depth; ++i) {
    const Layer &now = single.network.layer(i), &right = wide.network.layer(i),
                &old = before.network.layer(i);
    if (i < first_settling_layer(settings)) {
      EXPECT_TRUE(at::equal(now.weight, old.weight.to(at::kFloat)));
      continue;
    }
    // float32 weights carry 6e-8 of themselves.
    const double rounding = 1e-6 * (old.weight.norm().item<double>());
    const at::Tensor moved = now.weight.to(at::kDouble) - old.weight,
                     expected = right.weight - old.weight;
    EXPECT_LT((moved - expected).norm().item<double>(),
              2e-4 * expected.norm().item<double>() + rounding)
        << "layer " << i + 1;
    EXPECT_LT((now.bias.to(at::kDouble) - right.bias).norm().item<double>(), 1e-5);
    EXPECT_GT(expected.norm().item<double>(), 3 * rounding) << "the check can fail";
  }
}

TEST(DeviceConeUpdate, EqualsTheOptimizerInFloat64) {
  for (const Optimizer optimizer : {Optimizer::sgd, Optimizer::momentum, Optimizer::muon})
    for (const bool watched : {false, true}) {
      Settings settings = small_settings(8, at::kFloat);
      settings.optimizer = optimizer;
      settings.learning_rate = optimizer == Optimizer::muon ? 0.02 : 2; // far above rounding
      check_updates(settings, watched);
    }
}

// Matrices of all shapes, and some that no block has room for.
TEST(DeviceConeUpdate, OrthogonalisesWhatFitsAndLeavesTheRest) {
  for (const std::int64_t width : {13, 5, 100}) {
    Settings settings = small_settings(3, at::kFloat); // the input layer, too
    settings.width = width;
    settings.optimizer = Optimizer::muon;
    settings.batch = 40; // or momenta of little rank amplify rounding
    settings.steps = 3;
    check_updates(settings, false);
  }
}

TEST(DeviceConeUpdate, LeavesGradientsToSinksThatWantThem) {
  const Case test(small_settings(5, at::kFloat));
  const Problem problem = test.problem();
  Collected sink(5);
  const auto cone = make_device_cone(problem, kEpDeviceOnCpu, nullptr);
  EXPECT_FALSE(cone->settle_and_update(0.5, -1, nullptr, sink));
}

std::string divergence(Cone& cone, double beta) {
  try {
    cone.settle(beta, nullptr);
  } catch (const Diverged& error) {
    return error.what();
  }
  return "";
}

TEST(DeviceConeDivergence, NamesStepAndLayerAsTheAtenCone) {
  Settings settings = small_settings(7, at::kFloat);
  settings.loss = Loss::mse;
  settings.rate = 1e12;
  const Case test(settings);
  const Problem problem = test.problem();
  const auto kernel = make_device_cone(problem, kEpDeviceOnCpu, nullptr);
  const auto aten = make_aten_cone(problem);
  const std::string found = divergence(*kernel, settings.beta);
  EXPECT_THAT(found, ::testing::HasSubstr("of the nudged phase in layer"));
  EXPECT_EQ(found, divergence(*aten, settings.beta));
  WeightOptimizer sink(settings, test.network);
  const at::Tensor before = test.network.layer(6).weight.clone();
  EXPECT_THROW(kernel->settle_and_update(settings.beta, -1, nullptr, sink), Diverged);
  EXPECT_TRUE(at::equal(before, test.network.layer(6).weight)) << "weights stay";
}

TEST(DeviceConeChoice, RunsWhereItIsExact) {
  Settings settings = small_settings(5, at::kFloat);
  const Case right(settings);
  EXPECT_NE(make_device_cone(right.problem(), kEpDeviceOnCpu, nullptr), nullptr);
  EXPECT_EQ(make_cuda_cone(right.problem()), nullptr) << "tensors on the CPU";
  settings.profile = Profile::compat;
  const Case compat(settings);
  EXPECT_EQ(make_device_cone(compat.problem(), kEpDeviceOnCpu, nullptr), nullptr);
  settings.profile = Profile::clean;
  settings.tolerance = 1e-3;
  const Case stopping(settings);
  EXPECT_EQ(make_device_cone(stopping.problem(), kEpDeviceOnCpu, nullptr), nullptr);
  settings.tolerance = 0;
  settings.width = 40000;
  settings.depth = 2;
  const Case wide(settings);
  EXPECT_EQ(make_device_cone(wide.problem(), kEpDeviceOnCpu, nullptr), nullptr)
      << "not one unit's weights fit";
}

} // namespace
} // namespace peakbench::ep
