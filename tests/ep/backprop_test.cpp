// The back-propagation arms against each other and against differences of the loss.
#include <gtest/gtest.h>

#include "ep/experiment.h"
#include "ep/loss.h"
#include "ep/problem.h"
#include "measure/memory.h"

namespace peakbench::ep {
namespace {

using namespace testing;

double loss_of(const Case& test) {
  at::Tensor state = test.batch.input;
  for (std::size_t i = 0; i < test.network.layers.size(); ++i)
    state = predict(test.network.layers[i], i == 0 ? state : activate(state));
  return mean_loss(test.settings, test.batch, state).item<double>();
}

TEST(Backprop, GradientsEqualDifferencesOfTheLoss) {
  for (const Loss loss : {Loss::mse, Loss::cross_entropy}) {
    Settings settings = small_settings();
    settings.loss = loss;
    const Case test(settings);
    const auto gradients = gradients_of(test, Arm::backprop);
    for (std::size_t i = 0; i < gradients.size(); ++i) {
      auto* weight = test.network.layers[i].weight.data_ptr<double>();
      for (const std::int64_t at : {0, 5, 17}) {
        const double value = weight[at], step = 1e-6;
        weight[at] = value + step;
        const double above = loss_of(test);
        weight[at] = value - step;
        const double below = loss_of(test);
        weight[at] = value;
        EXPECT_NEAR(gradients[i].weight.view(-1)[at].item<double>(), (above - below) / (2 * step),
                    1e-8);
      }
    }
  }
}

// Depths around the squares, where segments are cut short.
TEST(BackpropCheckpoint, EqualsBackprop) {
  for (const std::int64_t depth : {2, 3, 4, 5, 9, 10, 17}) {
    const Case test(small_settings(depth));
    const auto expected = gradients_of(test, Arm::backprop);
    const auto gradients = gradients_of(test, Arm::backprop_checkpoint);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_LT(relative_distance(gradients[i], expected[i]), 1e-13)
          << depth << ", layer " << i + 1;
  }
}

TEST(BackpropStreamed, EqualsBackprop) {
  for (const std::int64_t depth : {2, 3, 10}) {
    const Case test(small_settings(depth));
    const auto expected = gradients_of(test, Arm::backprop);
    const auto gradients = gradients_of(test, Arm::backprop_streamed);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_LT(relative_distance(gradients[i], expected[i]), 1e-13)
          << depth << ", layer " << i + 1;
  }
}

// A layer's weights change before the gradients below it are made; those must be of the old ones.
TEST(BackpropStreamed, StepsLikeBackprop) {
  Settings settings = small_settings(9);
  settings.optimizer = Optimizer::momentum;
  std::uint64_t fingerprints[2];
  for (const Arm arm : {Arm::backprop, Arm::backprop_streamed}) {
    settings.arm = arm;
    Experiment experiment(settings, at::kCPU);
    for (int step = 0; step < 3; ++step)
      experiment.step({});
    fingerprints[arm == Arm::backprop ? 0 : 1] = experiment.weights_fingerprint();
  }
  EXPECT_EQ(fingerprints[0], fingerprints[1]);
}

TEST(TruncatedBackprop, EqualsBackpropOnTheLastLayersAndReachesNoOther) {
  for (const std::int64_t depth : {2, 5, 6, 12}) {
    const Case test(small_settings(depth));
    const auto expected = gradients_of(test, Arm::backprop);
    const auto gradients = gradients_of(test, Arm::truncated_backprop);
    EXPECT_EQ(reach_of(gradients), std::min<std::int64_t>(depth, test.settings.steps));
    EXPECT_EQ(reach_of(expected), depth);
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (gradients[i].weight.defined()) {
        EXPECT_LT(relative_distance(gradients[i], expected[i]), 1e-13);
      }
  }
}

// Small nudges make EP's gradient the back-propagated one, once settled (softmax settles slowly).
TEST(Backprop, IsTheLimitOfEquilibriumPropagation) {
  for (const Loss loss : {Loss::mse, Loss::cross_entropy}) {
    Settings settings = small_settings(3);
    settings.loss = loss;
    settings.steps = 4000;
    settings.rate = 0.4;
    settings.beta = 1e-5;
    const Case test(settings);
    const auto expected = gradients_of(test, Arm::backprop);
    const auto gradients = gradients_of(test, Arm::ep_fused);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_LT(relative_distance(gradients[i], expected[i]), loss == Loss::mse ? 1e-3 : 3e-2)
          << "layer " << i + 1;
  }
}

measure::MemoryReading memory_of(Arm arm, std::int64_t depth, std::int64_t batch = 512) {
  Settings settings;
  settings.arm = arm;
  settings.depth = depth;
  settings.width = 32;
  settings.batch = batch; // 512: activations outweigh gradients
  settings.optimizer = Optimizer::sgd;
  settings.steps = 8;
  const measure::MemoryScope scope(measure::DeviceMemory::of(at::kCPU));
  Experiment experiment(settings, at::kCPU);
  experiment.step({});
  return scope.read();
}

TEST(BackpropMemory, GrowsAsTheArmsAreNamed) {
  const auto beyond = [](const measure::MemoryReading& reading) {
    return reading.peak_bytes - reading.peak_by_tag[measure::index_of(measure::Tag::weights)];
  };
  const auto whole = memory_of(Arm::backprop, 100);
  const auto checkpointed = memory_of(Arm::backprop_checkpoint, 100);
  const auto truncated = memory_of(Arm::truncated_backprop, 100);
  EXPECT_GT(beyond(whole), beyond(checkpointed));
  EXPECT_GT(beyond(checkpointed), beyond(truncated));
  EXPECT_EQ(beyond(truncated), beyond(memory_of(Arm::truncated_backprop, 200)));
  EXPECT_GT(whole.peak_by_tag[measure::index_of(measure::Tag::activations)], 90 * 512 * 32 * 4);
}

// At small batches gradients outweigh activations, and streaming saves their set.
TEST(BackpropMemory, StreamingHoldsTheGradientsOfOneLayer) {
  const auto gradients = measure::index_of(measure::Tag::gradients);
  const auto whole = memory_of(Arm::backprop, 100, 4);
  const auto streamed = memory_of(Arm::backprop_streamed, 100, 4);
  const std::int64_t set = 98 * (32 * 32 + 32) * 4; // of the hidden layers
  EXPECT_GT(whole.peak_by_tag[gradients], set);
  EXPECT_LT(streamed.peak_by_tag[gradients], set / 3) << "the widest layer has 784 inputs";
  EXPECT_LT(streamed.peak_bytes, whole.peak_bytes - set / 2);
}

} // namespace
} // namespace peakbench::ep
