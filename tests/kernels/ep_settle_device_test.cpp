// The GPU's ep_settle, run on the CPU, against plain loops over all layers in float64.
#include "kernels/ep_settle_device.h"

#include <gmock/gmock.h>

#include "support/kernels_on_cpu.h"
#include "tests/kernels/ep_settle_reference.h"

namespace peakbench::kernels {
namespace {

using testing::ConeProblem;
using testing::ConeReference;
using testing::ConeShape;
using testing::distance;
using testing::minus;

struct Case {
  const char* name;
  ConeShape shape;
  bool stationary;
  EpDeviceLimits limits = peakbench::testing::kEpLimitsOnCpu;
};

// The kernel's memory, and what is in it.
class Cone {
public:
  Cone(const ConeProblem& problem, const Case& chosen,
       const EpDevice& device = peakbench::testing::kEpDeviceOnCpu)
      : plan(ep_device_plan(problem.call, chosen.limits, chosen.stationary)), p_(problem),
        device_(device) {
    EXPECT_TRUE(plan.possible);
    EXPECT_EQ(plan.shape.stationary, chosen.stationary);
    // NaN where nothing may be read before it was written.
    memory = at::full({plan.floats}, NAN, at::kFloat);
  }
  void run(const EpDeviceWork& work) {
    run_ep_device(p_.call, plan, device_, work, memory.data_ptr<float>(), nullptr);
  }
  at::Tensor read(std::int64_t array, std::int64_t layer) const {
    const std::int64_t width = p_.call.layers[static_cast<std::size_t>(layer)].outputs;
    return memory
        .narrow(0, array + (layer - p_.call.first) * plan.slot_floats, p_.call.rows * width)
        .view({p_.call.rows, width});
  }
  at::Tensor displacement(std::int64_t layer) const { return read(plan.displacement, layer); }
  at::Tensor velocity(std::int64_t layer) const { return read(plan.velocity, layer); }
  bool overflowed() const {
    return *reinterpret_cast<const std::int32_t*>(memory.const_data_ptr<float>() + plan.signals) !=
           0;
  }

  EpDevicePlan plan;
  at::Tensor memory;

private:
  const ConeProblem& p_;
  const EpDevice& device_;
};

class EpSettleDevice : public ::testing::TestWithParam<Case> {};

TEST_P(EpSettleDevice, EqualsPlainLoopsInFloat64) {
  const ConeProblem problem(GetParam().shape);
  Cone cone(problem, GetParam());
  cone.run({.forward = true, .to = problem.steps, .errors = true});
  EXPECT_FALSE(cone.overflowed());
  for (const std::int64_t row : {std::int64_t{0}, problem.call.rows / 2, problem.call.rows - 1}) {
    const ConeReference reference(problem, row);
    for (std::int64_t i = problem.call.first; i < problem.depth(); ++i) {
      const auto layer = static_cast<std::size_t>(i);
      EXPECT_LT(distance(cone.displacement(i), row,
                         minus(reference.states[layer], reference.free[layer])),
                2e-4)
          << "layer " << i << ", row " << row;
      EXPECT_LT(distance(cone.velocity(i), row, reference.errors[layer]), 2e-4)
          << "error of layer " << i << ", row " << row;
    }
  }
}

class EpSettleDeviceControl : public ::testing::TestWithParam<Case> {};

TEST_P(EpSettleDeviceControl, ThePublishedGradientFailsTheSameCheck) {
  const ConeProblem problem(GetParam().shape);
  Cone cone(problem, GetParam());
  cone.run({.forward = true, .to = problem.steps});
  const ConeReference published(problem, 0, true);
  const std::int64_t layer = problem.depth() - 2;
  const auto index = static_cast<std::size_t>(layer);
  EXPECT_GT(
      distance(cone.displacement(layer), 0, minus(published.states[index], published.free[index])),
      0.1);
}

// A launch for every step, from and to global memory, in the other order of blocks, and the update
// apart: all to the bit.
TEST_P(EpSettleDevice, StepsOneByOneAreTheSameToTheBit) {
  const ConeProblem problem(GetParam().shape);
  Cone whole(problem, GetParam());
  Cone steps(problem, GetParam(), peakbench::testing::kEpDeviceOnCpuInReverse);
  whole.run({.forward = true, .to = problem.steps});
  steps.run({.forward = true});
  for (std::int64_t t = 0; t < problem.steps; ++t)
    steps.run({.from = t, .to = t + 1});
  const auto expect_equal = [&] {
    for (std::int64_t i = problem.call.first; i < problem.depth(); ++i) {
      EXPECT_TRUE(at::equal(whole.displacement(i), steps.displacement(i))) << "layer " << i;
      EXPECT_TRUE(at::equal(whole.velocity(i), steps.velocity(i))) << "layer " << i;
    }
  };
  expect_equal();
  whole.run({.from = problem.steps, .to = problem.steps, .errors = true});
  Cone again(problem, GetParam(), peakbench::testing::kEpDeviceOnCpuInReverse);
  again.run({.forward = true, .to = problem.steps, .errors = true});
  for (std::int64_t i = problem.call.first; i < problem.depth(); ++i)
    EXPECT_TRUE(at::equal(whole.velocity(i), again.velocity(i))) << "error of layer " << i;
}

std::vector<at::Tensor> copies(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> result;
  for (const at::Tensor& tensor : tensors)
    result.push_back(tensor.clone());
  return result;
}

// Two training steps with the gradient from the reference's errors and states.
TEST_P(EpSettleDevice, UpdatesTheWeightsInPlace) {
  for (const bool with_momentum : {false, true}) {
    ConeProblem problem(GetParam().shape);
    Cone cone(problem, GetParam());
    EpDeviceUpdate update{.gradient_scale = -0.7F, .learning_rate = 0.3F, .momentum = 0.9F};
    std::vector<at::Tensor> momenta, expected_momenta;
    for (std::int64_t i = problem.call.first; with_momentum && i < problem.depth(); ++i) {
      const auto layer = static_cast<std::size_t>(i);
      momenta.push_back(at::randn_like(problem.weights[layer]));
      momenta.push_back(at::randn_like(problem.biases[layer]));
      update.momenta.push_back(
          {momenta[momenta.size() - 2].data_ptr<float>(), momenta.back().data_ptr<float>()});
    }
    const auto weights = copies(problem.weights), biases = copies(problem.biases);
    expected_momenta = copies(momenta);
    cone.run({.forward = true, .to = problem.steps, .errors = true, .update = &update});
    for (std::int64_t i = 0; i < problem.depth(); ++i) {
      const auto layer = static_cast<std::size_t>(i);
      if (i < problem.call.first) {
        EXPECT_TRUE(at::equal(problem.weights[layer], weights[layer]));
        continue;
      }
      const at::Tensor error = cone.velocity(i).to(at::kDouble);
      at::Tensor below = problem.input;
      if (i > problem.call.first)
        below = at::relu(cone.read(cone.plan.free, i - 1) + cone.displacement(i - 1));
      else if (i > 0)
        below =
            cone.memory.narrow(0, cone.plan.entering, problem.call.rows * cone.plan.entering_stride)
                .view({problem.call.rows, -1})
                .narrow(1, 0, problem.call.layers[layer].inputs);
      at::Tensor weight = at::mm(error.t(), below.to(at::kDouble)).mul(-0.7);
      at::Tensor bias = error.sum(0).mul(-0.7);
      if (with_momentum) {
        const auto slot = 2 * static_cast<std::size_t>(i - problem.call.first);
        weight.add_(expected_momenta[slot], 0.9);
        bias.add_(expected_momenta[slot + 1], 0.9);
        EXPECT_TRUE(at::allclose(momenta[slot].to(at::kDouble), weight, 1e-5, 1e-6));
        EXPECT_TRUE(at::allclose(momenta[slot + 1].to(at::kDouble), bias, 1e-5, 1e-6));
      }
      EXPECT_TRUE(at::allclose(problem.weights[layer].to(at::kDouble),
                               weights[layer] - weight * 0.3, 1e-5, 1e-6))
          << "layer " << i;
      EXPECT_TRUE(at::allclose(problem.biases[layer].to(at::kDouble), biases[layer] - bias * 0.3,
                               1e-5, 1e-6))
          << "layer " << i;
      EXPECT_FALSE(at::allclose(problem.weights[layer], weights[layer], 0, 0)) << "it moves";
    }
  }
}

TEST_P(EpSettleDevice, SeesStatesThatAreNotFiniteAndKeepsTheWeights) {
  ConeProblem problem(GetParam().shape);
  problem.call.rate = 3e30F;
  problem.call.cross_entropy = false; // whose force grows with the state
  problem.call.momentum = 0;
  const auto weights = copies(problem.weights);
  Cone cone(problem, GetParam());
  const EpDeviceUpdate update{.gradient_scale = -1, .learning_rate = 1};
  cone.run({.forward = true, .to = problem.steps + 2, .errors = true, .update = &update});
  EXPECT_TRUE(cone.overflowed());
  for (std::size_t i = 0; i < weights.size(); ++i)
    EXPECT_TRUE(at::equal(problem.weights[i], weights[i])) << "layer " << i;
}

constexpr EpDeviceLimits kFewBlocks{.blocks = 3, .threads = 64, .shared_bytes = 48 * 1024};
constexpr EpDeviceLimits kWideBlocks{
    .blocks = 8, .cluster = 4, .threads = 256, .shared_bytes = 200 * 1024};
constexpr EpDeviceLimits kLittleMemory{
    .blocks = 12, .cluster = 2, .threads = 64, .shared_bytes = 37 * 1024};

// The plan alone, for what an H100 offers.
constexpr EpDeviceLimits kH100{
    .blocks = 128, .cluster = 8, .threads = 256, .shared_bytes = 227 * 1024};

EpSettle network(std::int64_t depth, std::int64_t width, std::int64_t batch, std::int64_t steps) {
  EpSettle problem;
  problem.rows = batch;
  problem.first = std::max<std::int64_t>(0, depth - steps);
  for (std::int64_t i = 0; i < depth; ++i)
    problem.layers.push_back({nullptr, nullptr, i == 0 ? 784 : width, i + 1 == depth ? 10 : width});
  return problem;
}

TEST(EpDevicePlan, TakesTheSameMemoryAtEveryDepth) {
  const EpDevicePlan plan = ep_device_plan(network(60, 128, 32, 30), kH100);
  const std::int64_t momentum = 29 * (128 * 128 + 128) + 10 * 128 + 10;
  EXPECT_LE(4 * (plan.floats + momentum), 5'500'000);
  for (const std::int64_t depth : {61, 100, 1000, 5000})
    EXPECT_EQ(ep_device_plan(network(depth, 128, 32, 30), kH100).floats, plan.floats);
  EXPECT_GT(ep_device_plan(network(60, 128, 32, 31), kH100).floats, plan.floats);
}

TEST(EpDevicePlan, HasRoomToOrthogonaliseUpToWidth128) {
  for (const std::int64_t width : {64, 128, 256}) {
    const EpSettle problem = network(20, width, 32, 30);
    const EpDevicePlan plan = ep_device_plan(problem, kH100);
    EXPECT_EQ(ep_device_orthogonalizes(problem.layers[5], plan), width <= 128);
    EXPECT_TRUE(ep_device_orthogonalizes(problem.layers[19], plan));
    EXPECT_FALSE(ep_device_orthogonalizes(problem.layers[0], plan) && width > 64);
  }
}

TEST(EpDevicePlan, KeepsWeightsInSharedMemoryWhereTheyFit) {
  for (const std::int64_t width : {64, 100, 128, 192, 256, 512, 1024})
    for (const std::int64_t batch : {1, 7, 32, 100, 1000})
      for (const std::int64_t depth : {2, 10, 1000}) {
        const EpDevicePlan plan = ep_device_plan(network(depth, width, batch, 30), kH100);
        EXPECT_TRUE(plan.possible) << width << " " << batch << " " << depth;
        EXPECT_EQ(plan.shape.stationary, width <= 192) << width << " " << batch;
        EXPECT_LE(plan.shared_bytes, kH100.shared_bytes);
        const EpDeviceShape& shape = plan.shape;
        if (shape.stationary) {
          EXPECT_EQ(shape.group_rows % kEpTileRows, 0);
          EXPECT_LE(shape.groups * std::min<std::int64_t>(depth, 30), kH100.blocks);
        }
      }
  const EpDeviceShape seed = ep_device_plan(network(1000, 128, 32, 30), kH100).shape;
  EXPECT_EQ(seed.groups, 4);
  EXPECT_EQ(seed.group_rows, 8);
  EXPECT_EQ(seed.chain_rows, 2);
  EXPECT_FALSE(ep_device_plan(network(1000, 128, 32, 200), kH100).shape.stationary)
      << "more layers than blocks";
  EXPECT_FALSE(ep_device_plan(network(3000, 128, 32, 2000), kH100).possible)
      << "more layers than a launch knows";
}

// Deeper than one launch knows, and more momenta than it takes.
TEST(EpSettleDevicePieces, SeveralLaunchesAreTheSame) {
  constexpr EpDeviceLimits kOneBlock{.blocks = 1, .threads = 32, .shared_bytes = 48 * 1024};
  const Case chosen{"", {1205, 4, 5, 3, 2, 66, true}, false, kOneBlock};
  ConeProblem problem(chosen.shape);
  for (at::Tensor& weight : problem.weights)
    weight.copy_(at::eye(weight.size(0), weight.size(1))); // the signal comes through
  problem.host_weights = problem.weights;
  EpDeviceUpdate update{.gradient_scale = -1, .learning_rate = 1, .momentum = 0.5};
  std::vector<at::Tensor> momenta;
  for (std::int64_t i = problem.call.first; i < problem.depth(); ++i) {
    momenta.push_back(at::zeros_like(problem.weights[static_cast<std::size_t>(i)]));
    momenta.push_back(at::zeros_like(problem.biases[static_cast<std::size_t>(i)]));
    update.momenta.push_back(
        {momenta[momenta.size() - 2].data_ptr<float>(), momenta.back().data_ptr<float>()});
  }
  const ConeReference reference(problem, 1);
  Cone cone(problem, chosen);
  cone.run({.forward = true, .to = problem.steps, .errors = true, .update = &update});
  EXPECT_FALSE(cone.overflowed());
  int compared = 0;
  for (std::int64_t i = problem.call.first; i < problem.depth(); ++i) {
    const auto layer = static_cast<std::size_t>(i);
    EXPECT_LT(distance(cone.read(cone.plan.free, i), 1, reference.free[layer]), 1e-4);
    double largest = 0;
    for (const double error : reference.errors[layer])
      largest = std::max(largest, std::abs(error));
    if (largest > 1e-11) { // below, the reference's own states of size 1 round it away
      EXPECT_LT(distance(cone.velocity(i), 1, reference.errors[layer]), 1e-3) << "layer " << i;
      ++compared;
    }
    const at::Tensor& bias_momentum =
        momenta[2 * static_cast<std::size_t>(i - problem.call.first) + 1];
    EXPECT_TRUE(at::allclose(bias_momentum, cone.velocity(i).sum(0).neg(), 1e-4, 1e-12))
        << "layer " << i;
  }
  EXPECT_GT(compared, 15);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, EpSettleDevice,
    ::testing::Values(
        Case{"stays_cross_entropy", {7, 32, 20, 10, 9, 4, true}, true},
        Case{"stays_mse", {7, 32, 20, 10, 9, 4, false}, true},
        Case{"stays_odd", {5, 19, 7, 3, 13, 9, true}, true},
        Case{"stays_two_layers", {2, 5, 3, 2, 1, 3, true}, true},
        Case{"stays_one_step", {3, 17, 40, 11, 5, 1, true}, true},
        // More rows than groups of blocks hold at a time.
        Case{"stays_several_passes", {5, 40, 12, 6, 41, 4, false}, true, kLittleMemory},
        Case{"stays_one_block_of_256", {4, 36, 9, 5, 6, 2, true}, true, kWideBlocks},
        Case{"passes_cross_entropy", {7, 32, 20, 10, 9, 4, true}, false},
        Case{"passes_mse", {7, 32, 20, 10, 9, 4, false}, false},
        Case{"passes_odd", {5, 19, 7, 3, 13, 9, true}, false},
        Case{"passes_two_layers", {2, 5, 3, 2, 1, 3, true}, false},
        Case{"passes_one_step", {3, 17, 40, 11, 5, 1, true}, false},
        // Several pieces of a product, several tiles of rows and units, classes beyond a tile.
        Case{"passes_wide", {4, 75, 30, 37, 11, 3, true}, false},
        Case{"passes_more_layers_than_blocks", {5, 16, 8, 4, 6, 5, false}, false, kFewBlocks}),
    [](const auto& chosen) { return chosen.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Cases, EpSettleDeviceControl,
    ::testing::Values(Case{"stays_cross_entropy", {7, 32, 20, 10, 9, 4, true}, true},
                      Case{"stays_mse", {5, 19, 7, 3, 13, 9, false}, true},
                      Case{"passes_cross_entropy", {7, 32, 20, 10, 9, 4, true}, false},
                      Case{"passes_mse", {5, 19, 7, 3, 13, 9, false}, false}),
    [](const auto& chosen) { return chosen.param.name; });

} // namespace
} // namespace peakbench::kernels
