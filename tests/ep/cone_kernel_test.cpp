// The kernel behind ep_fused against the ATen cone in float64.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "ep/cone.h"
#include "ep/problem.h"

namespace peakbench::ep {
namespace {

using namespace testing;

struct EnergyTrace : Observer {
  void after_step(double, std::int64_t, const SettlingView& view) override {
    energy.push_back(view.energy());
  }
  std::vector<double> energy;
};

class KernelCone : public ::testing::TestWithParam<std::tuple<std::int64_t, std::int64_t, Loss>> {};

TEST_P(KernelCone, EqualsTheAtenConeInFloat64) {
  const auto& [depth, batch, loss] = GetParam();
  Settings settings = small_settings(depth, at::kFloat);
  settings.batch = batch;
  settings.loss = loss;
  const Case single(settings);
  const Case wide = converted(single, at::kDouble);
  const Problem problem = single.problem(), oracle_problem = wide.problem();
  EnergyTrace trace, oracle_trace;
  const auto kernel = make_kernel_cone(problem), oracle = make_aten_cone(oracle_problem);
  kernel->settle(settings.beta, &trace);
  oracle->settle(settings.beta, &oracle_trace);
  for (std::int64_t i = first_settling_layer(settings); i < depth; ++i) {
    EXPECT_LT(relative_distance(kernel->error(i), oracle->error(i)), 1e-4) << "layer " << i + 1;
    EXPECT_LT(relative_distance(kernel->activation(i), oracle->activation(i)), 1e-5);
  }
  ASSERT_EQ(trace.energy.size(), oracle_trace.energy.size());
  for (std::size_t t = 0; t < trace.energy.size(); ++t)
    EXPECT_NEAR(trace.energy[t], oracle_trace.energy[t], 1e-5 * (1 + oracle_trace.energy[t]));
  kernel->settle(settings.beta * 1.1, nullptr);
  EXPECT_GT(relative_distance(kernel->error(depth - 1), oracle->error(depth - 1)), 1e-2)
      << "another beta is told apart";
}

INSTANTIATE_TEST_SUITE_P(Cases, KernelCone,
                         ::testing::Combine(::testing::Values(2, 4, 5, 12),
                                            ::testing::Values(1, 6, 40),
                                            ::testing::Values(Loss::mse, Loss::cross_entropy)));

// Widths whose rows are pages apart in memory, and none that fits a vector; ragged batches.
TEST(KernelCone, EqualsTheAtenConeInFloat64AtEveryWidth) {
  for (const auto& [width, batch] :
       {std::pair{64, 1}, {100, 7}, {256, 33}, {512, 100}, {777, 3}, {1024, 7}}) {
    Settings settings = small_settings(4, at::kFloat);
    settings.width = width;
    settings.batch = batch;
    settings.steps = 3;
    const Case single(settings);
    const Case wide = converted(single, at::kDouble);
    const Problem problem = single.problem(), oracle_problem = wide.problem();
    const auto kernel = make_kernel_cone(problem), oracle = make_aten_cone(oracle_problem);
    kernel->settle(-settings.beta, nullptr);
    oracle->settle(-settings.beta, nullptr);
    for (std::int64_t i = first_settling_layer(settings); i < 4; ++i) {
      EXPECT_LT(relative_distance(kernel->error(i), oracle->error(i)), 1e-4)
          << "width " << width << ", layer " << i + 1;
      EXPECT_LT(relative_distance(kernel->activation(i), oracle->activation(i)), 1e-5);
    }
    kernel->settle(settings.beta, nullptr);
    EXPECT_GT(relative_distance(kernel->error(3), oracle->error(3)), 1e-2) << "the other side";
  }
}

TEST(KernelCone, GradientsDoNotDependOnThreads) {
  Settings settings = small_settings(9, at::kFloat);
  settings.batch = 32;
  const Case test(settings);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Problem problem = test.problem();
  const auto one = make_kernel_cone(problem);
  one->settle(0.5, nullptr);
  at::set_num_threads(2);
  const auto two = make_kernel_cone(problem);
  two->settle(0.5, nullptr);
  at::set_num_threads(threads);
  for (std::int64_t i = 4; i < 9; ++i)
    EXPECT_TRUE(at::equal(one->error(i), two->error(i)));
}

TEST(KernelCone, RunsWhereItIsExact) {
  Settings settings;
  EXPECT_TRUE(kernel_cone_runs(settings, at::kCPU));
  EXPECT_FALSE(kernel_cone_runs(settings, at::Device(at::kCUDA, 0)));
  settings.dtype = at::kDouble;
  EXPECT_FALSE(kernel_cone_runs(settings, at::kCPU));
  settings.dtype = at::kFloat;
  settings.profile = Profile::compat;
  EXPECT_FALSE(kernel_cone_runs(settings, at::kCPU));
  settings.profile = Profile::clean;
  settings.tolerance = 1e-3;
  EXPECT_FALSE(kernel_cone_runs(settings, at::kCPU)) << "it stops no row";
}

} // namespace
} // namespace peakbench::ep
