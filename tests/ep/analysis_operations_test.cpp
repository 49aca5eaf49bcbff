// Forward passes and saved tensors: sizes that can be told in advance.
#include <gtest/gtest.h>

#include <algorithm>

#include "ep/analysis.h"
#include "ep/problem.h"
#include "measure/memory.h"

namespace peakbench::ep {
namespace {

using testing::small_settings;

constexpr std::int64_t kState = 6 * 12 * 4; // bytes of a hidden state: batch x width floats

Settings settings_of(Arm arm, std::int64_t depth = 8) {
  Settings settings = small_settings(depth, at::kFloat);
  settings.arm = arm;
  return settings;
}

const ForwardPass& mode_of(const std::vector<ForwardPass>& passes, const std::string& mode) {
  return *std::ranges::find(passes, mode, &ForwardPass::mode);
}

SavedTensors find(const std::vector<SavedTensors>& all, const std::string& mode,
                  const std::string& operation) {
  for (const SavedTensors& one : all)
    if (one.mode == mode && one.operation == operation)
      return one;
  return {};
}

TEST(ForwardPasses, OnlyTheGraphKeepsEveryActivation) {
  const auto passes = compare_forward_passes(settings_of(Arm::backprop), at::kCPU);
  const std::int64_t output = 6 * 4 * 4;
  for (const char* mode : {"forward_manual_no_grad", "forward_module_no_grad"}) {
    EXPECT_EQ(mode_of(passes, mode).live_bytes, output) << mode;
    EXPECT_EQ(mode_of(passes, mode).peak_bytes, 2 * kState) << mode; // in and out of a layer
  }
  EXPECT_EQ(mode_of(passes, "forward_module_grad").live_bytes, output + 7 * kState);
}

// The published figure: 99 ReLU outputs of 32 x 128 floats, 1.622 MB.
TEST(ForwardPasses, ThePublishedNetworkKeeps99ReluOutputs) {
  Settings settings;
  settings.arm = Arm::backprop;
  settings.depth = 100;
  const auto passes = compare_forward_passes(settings, at::kCPU);
  EXPECT_EQ(mode_of(passes, "forward_module_grad").live_bytes -
                mode_of(passes, "forward_module_no_grad").live_bytes,
            99 * 32 * 128 * 4);
}

TEST(SavedTensors, OfBackPropagation) {
  const auto saved = saved_tensors(settings_of(Arm::backprop), at::kCPU, {});
  const SavedTensors relu = find(saved, "contrast", "relu");
  EXPECT_EQ(relu.count, 7);
  EXPECT_EQ(relu.bytes, 7 * kState);
  EXPECT_EQ(relu.kept_bytes, 7 * kState);
  // A linear layer saves its input and its weights, all of which are there without it.
  const SavedTensors addmm = find(saved, "contrast", "addmm");
  EXPECT_GE(addmm.count, 8 + 7); // the first input and no gradient for it: no weights
  EXPECT_GT(addmm.bytes, 7 * kState);
  EXPECT_EQ(addmm.kept_bytes, 0);
  EXPECT_TRUE(std::ranges::none_of(
      saved, [](const SavedTensors& one) { return one.mode == "settling_step"; }));
}

TEST(SavedTensors, OfASettlingStepOverAllLayers) {
  const auto saved = saved_tensors(settings_of(Arm::ep_autograd), at::kCPU, {});
  const SavedTensors relu = find(saved, "settling_step", "relu");
  EXPECT_EQ(relu.count, 7);
  EXPECT_EQ(relu.kept_bytes, 7 * kState);
  // The energy of a hidden layer keeps its prediction; its state is there anyhow.
  const SavedTensors residual = find(saved, "settling_step", "mse_loss");
  EXPECT_EQ(residual.count, 2 * 7);
  EXPECT_EQ(residual.bytes, 2 * 7 * kState);
  EXPECT_EQ(residual.kept_bytes, 7 * kState);
  // The contrast asks for the weights' gradients only, of two energies: what enters each layer.
  EXPECT_EQ(find(saved, "contrast", "relu").count, 0);
  EXPECT_EQ(find(saved, "contrast", "addmm").kept_bytes, 2 * 7 * kState);
  EXPECT_EQ(find(saved, "contrast", "mse_loss").kept_bytes, 2 * 7 * kState); // predictions
}

// What each operation keeps explains the step's peak: the graph is what settling has beyond states,
// velocities and forces.
TEST(SavedTensors, GrowWithDepthAsTheGraphDoes) {
  const auto kept = [](std::int64_t depth) {
    std::int64_t bytes = 0;
    for (const auto& one : saved_tensors(settings_of(Arm::ep_autograd, depth), at::kCPU, {}))
      if (one.mode == "settling_step")
        bytes += one.kept_bytes;
    return bytes;
  };
  EXPECT_EQ(kept(12) - kept(8), 4 * 2 * kState); // activation and prediction
}

// One layer's graph at a time saves the same tensors. It keeps activation and prediction of a layer
// until that layer's force is known; memory that is used again counts again.
TEST(SavedTensors, OfASettlingStepLayerByLayer) {
  const auto saved = saved_tensors(settings_of(Arm::ep_manual), at::kCPU, {});
  EXPECT_EQ(find(saved, "settling_step", "relu").kept_bytes, 7 * kState);
  EXPECT_EQ(find(saved, "settling_step", "mse_loss").kept_bytes, 7 * kState);
}

TEST(SavedTensors, NoneWithoutAGraph) {
  EXPECT_TRUE(saved_tensors(settings_of(Arm::ep_analytic), at::kCPU, {}).empty());
  EXPECT_TRUE(saved_tensors(settings_of(Arm::ep_fused), at::kCPU, {}).empty());
}

// Looking changes nothing, and nothing is left behind.
TEST(SavedTensors, LeaveAutogradAsItWas) {
  const measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU);
  const testing::Case test(settings_of(Arm::ep_autograd));
  const auto before = testing::gradients_of(test, Arm::ep_autograd);
  const std::int64_t live = memory.live().total;
  saved_tensors(test.settings, at::kCPU, {});
  EXPECT_EQ(memory.live().total, live);
  const auto after = testing::gradients_of(test, Arm::ep_autograd);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(at::equal(before[i].weight, after[i].weight));
}

} // namespace
} // namespace peakbench::ep
