// ep_fused's kernel on a GPU: against the ATen cone in float64, the CPU's kernel, and itself.
#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "base/error.h"
#include "ep/cone_cuda.h"
#include "ep/experiment.h"
#include "ep/kinks.h"
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

// A cone's view for observers that count layers from the cone's lowest.
class FromFirst : public Observer, public SettlingView {
public:
  FromFirst(Observer& observer, std::int64_t first) : observer_(observer), first_(first) {}
  void after_step(double beta, std::int64_t step, const SettlingView& view) override {
    view_ = &view;
    observer_.after_step(beta, step, *this);
  }
  double energy() const override { return view_->energy(); }
  at::Tensor state(std::int64_t layer) const override { return view_->state(first_ + layer); }
  std::int64_t first_non_finite() const override { return view_->first_non_finite() - first_; }

private:
  Observer& observer_;
  std::int64_t first_;
  const SettlingView* view_ = nullptr;
};

// Largest distance of errors and activations over the cone, in these rows, where float32 can hold
// the errors.
double distance(const Settings& settings, const Cone& a, const Cone& b, const at::Tensor& rows) {
  double largest = 0;
  const auto pick = [&](const at::Tensor& all) { return all.cpu().index_select(0, rows); };
  for (std::int64_t i = first_settling_layer(settings); i < settings.depth; ++i) {
    const at::Tensor right = pick(b.error(i));
    // Dozens of layers down float32 underflows.
    if (right.abs().max().item<double>() > 1e-28)
      largest = std::max(largest, distance(pick(a.error(i)), right));
    largest = std::max(largest, distance(pick(a.activation(i)), pick(b.activation(i))));
  }
  return largest;
}

// Compares cones but for rows that rounding sends over a kink of relu (ep/kinks.h), which must be
// few over all.
class Comparison {
public:
  ~Comparison() { EXPECT_LE(left_out_, 1 + rows_ / 10) << "of " << rows_ << " rows"; }

  void expect_equal(const Settings& settings, Cone& kernel, Cone& oracle) {
    const std::int64_t first = first_settling_layer(settings);
    PhaseWatch watch(first, settings.depth);
    kernel.settle(settings.beta, &watch); // a launch for every step
    std::vector<at::Tensor> stepwise;
    for (std::int64_t i = first; i < settings.depth; ++i)
      stepwise.push_back(kernel.error(i).clone());
    kernel.settle(settings.beta, nullptr); // one launch
    for (std::int64_t i = first; i < settings.depth; ++i)
      EXPECT_TRUE(at::equal(kernel.error(i), stepwise[static_cast<std::size_t>(i - first)]));
    KinkWatch kinks(watch, settings.batch);
    FromFirst shifted(kinks, first);
    oracle.settle(settings.beta, &shifted);
    rows_ += settings.batch;
    left_out_ += kinks.rows().count;
    const at::Tensor rows = kinks.rows().others;
    if (rows.numel() == 0)
      return;
    const std::string what = "depth " + std::to_string(settings.depth) + ", width " +
                             std::to_string(settings.width) + ", batch " +
                             std::to_string(settings.batch);
    EXPECT_LT(distance(settings, kernel, oracle, rows), 1e-4) << what;
    kernel.settle(settings.beta * 1.1, nullptr);
    EXPECT_GT(distance(settings, kernel, oracle, rows), 1e-2)
        << what << ": another beta is told apart";
  }

  void expect_equals_aten(const Settings& settings) {
    const Case single(settings);
    const Case wide = single.wide();
    const Problem problem = single.problem(), oracle_problem = wide.problem();
    const auto kernel = make_cuda_cone(problem), oracle = make_aten_cone(oracle_problem);
    ASSERT_NE(kernel, nullptr);
    expect_equal(settings, *kernel, *oracle);
  }

private:
  std::int64_t rows_ = 0, left_out_ = 0;
};

TEST_F(EpConeGpu, EqualsTheAtenConeInFloat64AtEveryDepth) {
  Comparison comparison;
  for (const Loss loss : {Loss::mse, Loss::cross_entropy})
    for (const std::int64_t depth : {2, 3, 10, 30, 31, 100, 1000, 1300}) {
      Settings settings = protocol(depth);
      settings.loss = loss;
      comparison.expect_equals_aten(settings);
    }
}

TEST_F(EpConeGpu, EqualsTheAtenConeInFloat64AtEveryWidthAndBatch) {
  Comparison comparison;
  for (const std::int64_t width : {64, 100, 127, 128, 192, 256, 512, 1024})
    for (const std::int64_t batch : {1, 7, 32, 33, 100})
      comparison.expect_equals_aten(protocol(40, width, batch));
  comparison.expect_equals_aten(protocol(20, 128, 1000));
}

TEST_F(EpConeGpu, EqualsTheAtenConeInFloat64ForFewAndManySteps) {
  Comparison comparison;
  for (const std::int64_t steps : {1, 2, 5, 60, 140}) {
    Settings settings = protocol(150, 64);
    settings.steps = steps;
    comparison.expect_equals_aten(settings);
  }
}

TEST_F(EpConeGpu, EqualsTheCpuKernel) {
  Comparison comparison;
  for (const std::int64_t depth : {10, 100, 1000}) {
    const Settings settings = protocol(depth);
    const Case gpu(settings), cpu(settings, at::kCPU);
    ASSERT_TRUE(
        at::equal(gpu.network.layers.back().weight.cpu(), cpu.network.layers.back().weight));
    const Problem gpu_problem = gpu.problem(), cpu_problem = cpu.problem();
    const auto kernel = make_cuda_cone(gpu_problem), other = make_kernel_cone(cpu_problem);
    comparison.expect_equal(settings, *kernel, *other);
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
    for (std::int64_t i = 45; i < 50; ++i) { // where a float32 weight can show the step; a
                                             // row at a kink of relu may differ
      const at::Tensor before = old.network.layer(i).weight.to(at::kDouble);
      const at::Tensor moved = single.network.layer(i).weight.to(at::kDouble) - before;
      const at::Tensor expected = wide.network.layer(i).weight - before;
      EXPECT_LT((moved - expected).norm().item<double>(),
                5e-3 * expected.norm().item<double>() + 1e-7 * before.norm().item<double>())
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
