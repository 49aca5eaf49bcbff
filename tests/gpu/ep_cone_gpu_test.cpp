// ep_fused's kernel on a GPU: against the ATen cone in float64, the CPU's kernel, and itself.
#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "ep/cone_cuda.h"
#include "ep/experiment.h"
#include "ep/optimizer.h"
#include "measure/memory.h"
#include "tests/kernels/ep_settle_reference.h"

namespace peakbench::ep {
namespace {

const at::Device kGpu(at::kCUDA, 0);

class EpConeGpu : public ::testing::Test {
protected:
  void SetUp() override {
    if (!at::hasCUDA())
      GTEST_SKIP() << "needs a GPU that CUDA can use (at::hasCUDA() is false)";
  }
};

struct Case {
  explicit Case(const Settings& chosen, at::Device device = kGpu)
      : settings(chosen), network(draw_network(settings, device)),
        batch(draw_batch(settings, device)) {}
  Problem problem() const { return {settings, network, batch, nullptr, deadline}; }
  // The same numbers in float64.
  Case wide() const {
    Case result(*this);
    result.settings.dtype = at::kDouble;
    for (Layer& layer : result.network.layers)
      layer = {layer.weight.to(at::kDouble), layer.bias.to(at::kDouble)};
    result.batch = {batch.input.to(at::kDouble), batch.labels, batch.target.to(at::kDouble)};
    return result;
  }

  Settings settings;
  Network network;
  Batch batch;
  Deadline deadline;
};

Settings protocol(std::int64_t depth, std::int64_t width = 128, std::int64_t batch = 32) {
  Settings settings;
  settings.depth = depth;
  settings.width = width;
  settings.batch = batch;
  return settings;
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor right = b.cpu().to(at::kDouble);
  const double found = ((a.cpu().to(at::kDouble) - right).norm() / right.norm()).item<double>();
  return std::isnan(found) ? INFINITY : found;
}

// Largest distance of errors and activations over the cone.
double distance(const Settings& settings, const Cone& a, const Cone& b) {
  double largest = 0;
  for (std::int64_t i = first_settling_layer(settings); i < settings.depth; ++i) {
    largest = std::max(largest, distance(a.error(i), b.error(i)));
    largest = std::max(largest, distance(a.activation(i), b.activation(i)));
  }
  return largest;
}

void expect_equals_aten(const Settings& settings) {
  const Case single(settings);
  const Case wide = single.wide();
  const Problem problem = single.problem(), oracle_problem = wide.problem();
  const auto kernel = make_cuda_cone(problem), oracle = make_aten_cone(oracle_problem);
  ASSERT_NE(kernel, nullptr);
  kernel->settle(settings.beta, nullptr);
  oracle->settle(settings.beta, nullptr);
  const std::string what = "depth " + std::to_string(settings.depth) + ", width " +
                           std::to_string(settings.width) + ", batch " +
                           std::to_string(settings.batch);
  EXPECT_LT(distance(settings, *kernel, *oracle), 1e-3) << what;
  kernel->settle(settings.beta * 1.1, nullptr);
  EXPECT_GT(distance(settings, *kernel, *oracle), 1e-2) << what << ": another beta is told apart";
}

TEST_F(EpConeGpu, EqualsTheAtenConeInFloat64AtEveryDepth) {
  for (const Loss loss : {Loss::mse, Loss::cross_entropy})
    for (const std::int64_t depth : {2, 3, 10, 30, 31, 100, 1000, 1300}) {
      Settings settings = protocol(depth);
      settings.loss = loss;
      expect_equals_aten(settings);
    }
}

TEST_F(EpConeGpu, EqualsTheAtenConeInFloat64AtEveryWidthAndBatch) {
  for (const std::int64_t width : {64, 100, 127, 128, 192, 256, 512, 1024})
    for (const std::int64_t batch : {1, 7, 32, 33, 100})
      expect_equals_aten(protocol(40, width, batch));
  expect_equals_aten(protocol(20, 128, 1000));
}

TEST_F(EpConeGpu, EqualsTheAtenConeInFloat64ForFewAndManySteps) {
  for (const std::int64_t steps : {1, 2, 5, 60, 140}) {
    Settings settings = protocol(150, 64);
    settings.steps = steps;
    expect_equals_aten(settings);
  }
}

TEST_F(EpConeGpu, EqualsTheCpuKernel) {
  for (const std::int64_t depth : {10, 100, 1000}) {
    const Settings settings = protocol(depth);
    const Case gpu(settings), cpu(settings, at::kCPU);
    ASSERT_TRUE(
        at::equal(gpu.network.layers.back().weight.cpu(), cpu.network.layers.back().weight));
    const Problem gpu_problem = gpu.problem(), cpu_problem = cpu.problem();
    const auto kernel = make_cuda_cone(gpu_problem), other = make_kernel_cone(cpu_problem);
    kernel->settle(settings.beta, nullptr);
    other->settle(settings.beta, nullptr);
    EXPECT_LT(distance(settings, *kernel, *other), 1e-3) << "depth " << depth;
  }
}

#if PEAKBENCH_USE_CUDA
// Both ways of settling, whatever the plan would choose.
TEST_F(EpConeGpu, WeightsThatStayAndThatPassEqualPlainLoops) {
  using namespace kernels;
  for (const std::int64_t width : {40, 128})
    for (const bool stationary : {true, false}) {
      const kernels::testing::ConeProblem problem({9, width, 50, 10, 37, 6, true}, kGpu);
      const EpDevicePlan plan = ep_device_plan(problem.call, ep_device_limits(), stationary);
      ASSERT_EQ(plan.shape.stationary, stationary);
      at::Tensor memory = at::full({plan.floats}, NAN, at::TensorOptions(at::kFloat).device(kGpu));
      run_ep_device(problem.call, plan, kCudaEpDevice,
                    {.forward = true, .to = problem.steps, .errors = true},
                    memory.data_ptr<float>(), nullptr);
      const at::Tensor host = memory.cpu();
      for (const std::int64_t row : {0, 20, 36}) {
        const kernels::testing::ConeReference reference(problem, row);
        for (std::int64_t i = problem.call.first; i < problem.depth(); ++i) {
          const auto layer = static_cast<std::size_t>(i);
          const std::int64_t outputs = problem.call.layers[layer].outputs;
          const at::Tensor error =
              host.narrow(0, plan.velocity + (i - problem.call.first) * plan.slot_floats,
                          37 * outputs)
                  .view({37, outputs});
          EXPECT_LT(kernels::testing::distance(error, row, reference.errors[layer]), 2e-4)
              << "width " << width << ", layer " << i;
        }
      }
    }
}
#endif

TEST_F(EpConeGpu, GivesTheSameBitsEveryTime) {
  for (const std::int64_t width : {128, 512}) {
    const Settings settings = protocol(100, width);
    const Case test(settings);
    const Problem problem = test.problem();
    std::vector<at::Tensor> first;
    for (int repeat = 0; repeat < 50; ++repeat) {
      const auto cone = make_cuda_cone(problem);
      cone->settle(settings.beta, nullptr);
      for (std::int64_t i = 70; i < 100; ++i) {
        const auto index = static_cast<std::size_t>(i - 70);
        if (repeat == 0)
          first.push_back(cone->error(i).clone());
        else
          ASSERT_TRUE(at::equal(first[index], cone->error(i))) << "repeat " << repeat;
      }
    }
  }
}

TEST_F(EpConeGpu, UpdatesLikeTheOptimizerInFloat64) {
  for (const Optimizer optimizer : {Optimizer::sgd, Optimizer::momentum, Optimizer::muon}) {
    Settings settings = protocol(50);
    settings.optimizer = optimizer;
    const Case single(settings), old(settings);
    const Case wide = single.wide();
    WeightOptimizer sink(settings, single.network), oracle_sink(wide.settings, wide.network);
    for (int step = 0; step < 2; ++step) {
      ep_fused(single.problem(), sink);
      ep_fused(wide.problem(), oracle_sink);
    }
    for (std::int64_t i = 45; i < 50; ++i) { // where a float32 weight can show the step
      const at::Tensor before = old.network.layer(i).weight.to(at::kDouble);
      const at::Tensor moved = single.network.layer(i).weight.to(at::kDouble) - before;
      const at::Tensor expected = wide.network.layer(i).weight - before;
      EXPECT_LT((moved - expected).norm().item<double>(),
                1e-3 * expected.norm().item<double>() + 1e-7 * before.norm().item<double>())
          << "layer " << i + 1;
    }
    EXPECT_TRUE(at::equal(single.network.layer(19).weight, old.network.layer(19).weight))
        << "below the cone";
    EXPECT_FALSE(at::equal(single.network.layer(49).weight, old.network.layer(49).weight));
  }
}

std::int64_t bytes_beyond_weights(Optimizer optimizer, std::int64_t depth) {
  Settings settings = protocol(depth);
  settings.optimizer = optimizer;
  measure::DeviceMemory& memory = measure::DeviceMemory::of(kGpu);
  const measure::MemoryScope scope(memory);
  Experiment experiment(settings, kGpu);
  experiment.step({});
  experiment.step({});
  return scope.read().peak_bytes - experiment.weights_bytes();
}

TEST_F(EpConeGpu, IsFlatInDepthToTheByte) {
  for (const Optimizer optimizer : {Optimizer::sgd, Optimizer::momentum, Optimizer::muon}) {
    const std::int64_t bytes = bytes_beyond_weights(optimizer, 60);
    EXPECT_LE(bytes, 5'500'000);
    // The allocator counts multiples of 512 bytes, the output's bias is less: alike at every depth.
    for (const std::int64_t depth : {100, 1000})
      EXPECT_EQ(bytes_beyond_weights(optimizer, depth), bytes);
  }
}

TEST_F(EpConeGpu, NamesStepAndLayerOfAnOverflow) {
  Settings settings = protocol(12, 64);
  settings.loss = Loss::mse;
  settings.rate = 1e12;
  const Case test(settings);
  const Problem problem = test.problem();
  const auto message = [&](Cone& cone) -> std::string {
    try {
      cone.settle(settings.beta, nullptr);
    } catch (const Diverged& error) {
      return error.what();
    }
    return "";
  };
  const std::string found = message(*make_cuda_cone(problem));
  EXPECT_THAT(found, ::testing::HasSubstr("of the nudged phase in layer"));
  EXPECT_EQ(found, message(*make_aten_cone(problem)));
}

} // namespace
} // namespace peakbench::ep
