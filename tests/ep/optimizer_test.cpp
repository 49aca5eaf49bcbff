#include "ep/optimizer.h"

#include <gtest/gtest.h>

#include "ep/muon.h"
#include "ep/problem.h"
#include "measure/memory.h"

namespace peakbench::ep {
namespace {

using namespace testing;

struct Updated {
  Layer before, after, first, second; // weights, and the two gradients that were applied
};

Updated two_updates(const Settings& settings) {
  const Case test(settings);
  WeightOptimizer optimizer(settings, test.network);
  const Layer& layer = test.network.layer(1);
  at::manual_seed(5);
  Updated result{{layer.weight.clone(), layer.bias.clone()},
                 layer,
                 {at::randn_like(layer.weight), at::randn_like(layer.bias)},
                 {at::randn_like(layer.weight), at::randn_like(layer.bias)}};
  optimizer.accept(1, result.first.weight, result.first.bias);
  optimizer.accept(1, result.second.weight, result.second.bias);
  return result;
}

Settings with(Optimizer optimizer, Profile profile = Profile::clean) {
  Settings settings = small_settings();
  settings.optimizer = optimizer;
  settings.profile = profile;
  settings.learning_rate = 0.1;
  return settings;
}

TEST(WeightOptimizer, Sgd) {
  const Updated u = two_updates(with(Optimizer::sgd));
  EXPECT_TRUE(at::allclose(u.after.weight,
                           u.before.weight - 0.1 * (u.first.weight + u.second.weight), 1e-12));
  EXPECT_TRUE(
      at::allclose(u.after.bias, u.before.bias - 0.1 * (u.first.bias + u.second.bias), 1e-12));
}

TEST(WeightOptimizer, Momentum) {
  const Updated u = two_updates(with(Optimizer::momentum));
  EXPECT_TRUE(at::allclose(
      u.after.weight, u.before.weight - 0.1 * (1.9 * u.first.weight + u.second.weight), 1e-12));
  EXPECT_TRUE(at::allclose(u.after.bias, u.before.bias - 0.1 * (1.9 * u.first.bias + u.second.bias),
                           1e-12));
}

TEST(WeightOptimizer, MuonOrthogonalizesTheMomentumOfMatrices) {
  const Updated u = two_updates(with(Optimizer::muon));
  const at::Tensor expected =
      u.before.weight -
      0.1 * (orthogonalize(u.first.weight, NewtonSchulz::quintic) +
             orthogonalize(0.9 * u.first.weight + u.second.weight, NewtonSchulz::quintic));
  EXPECT_TRUE(at::allclose(u.after.weight, expected, 1e-12));
  EXPECT_TRUE(at::allclose(u.after.bias, u.before.bias - 0.1 * (1.9 * u.first.bias + u.second.bias),
                           1e-12));
}

TEST(WeightOptimizer, CompatMuonAccumulatesOrthogonalizedGradients) {
  const Updated u = two_updates(with(Optimizer::muon, Profile::compat));
  const at::Tensor expected =
      u.before.weight - 0.1 * (1.9 * orthogonalize(u.first.weight, NewtonSchulz::cubic) +
                               orthogonalize(u.second.weight, NewtonSchulz::cubic));
  EXPECT_TRUE(at::allclose(u.after.weight, expected, 1e-12));
}

TEST(WeightOptimizer, KeepsMomentumOfTheLayersItSawOnly) {
  const Settings settings = with(Optimizer::muon);
  const Case test(settings);
  const Layer& layer = test.network.layer(2);
  const at::Tensor weight = at::ones_like(layer.weight), bias = at::ones_like(layer.bias);
  WeightOptimizer optimizer(settings, test.network);
  const auto tag = measure::index_of(measure::Tag::optimizer);
  const measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU);
  const std::int64_t before = memory.live().by_tag[tag];
  optimizer.accept(2, weight, bias);
  optimizer.accept(2, weight, bias);
  EXPECT_EQ(memory.live().by_tag[tag] - before,
            static_cast<std::int64_t>(weight.nbytes() + bias.nbytes()));
  optimizer.reset();
  EXPECT_EQ(memory.live().by_tag[tag], before);
}

} // namespace
} // namespace peakbench::ep
