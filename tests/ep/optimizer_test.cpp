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

// Two steps of factors, of two phases each, against the same gradients multiplied out.
TEST(WeightOptimizer, FactorsDoWhatTheirProductsDo) {
  for (const Optimizer kind : {Optimizer::sgd, Optimizer::momentum, Optimizer::muon}) {
    Settings settings = with(kind);
    settings.dtype = at::kFloat;
    const Case streamed(settings), plain(settings);
    WeightOptimizer by_factors(settings, streamed.network), by_gradients(settings, plain.network);
    at::manual_seed(3);
    const std::vector<at::Tensor> before{plain.network.layer(4).weight.clone(),
                                         plain.network.layer(3).weight.clone()};
    for (int step = 0; step < 2; ++step) {
      std::vector<FactoredGradient> gradients;
      std::vector<at::Tensor> alive;
      for (const std::int64_t i : {4, 3, 1, 0}) {
        const at::Tensor& weight = plain.network.layer(i).weight;
        at::Tensor product = at::zeros_like(weight),
                   sum = at::zeros_like(plain.network.layer(i).bias);
        gradients.push_back({i, {}});
        for (const float scale : {0.5F, -0.3F}) {
          const at::Tensor error = at::randn({6, weight.size(0)});
          const at::Tensor activation = at::randn({6, weight.size(1)});
          gradients.back().factors.push_back(
              {error.const_data_ptr<float>(), activation.const_data_ptr<float>(), 6, scale});
          alive.insert(alive.end(), {error, activation});
          product.addmm_(error.t(), activation, 1, scale);
          sum.add_(error.sum(0), scale);
        }
        by_gradients.accept(i, product, sum);
      }
      EXPECT_TRUE(by_factors.accept_factors(gradients));
    }
    for (const std::int64_t i : {4, 3, 2, 1, 0}) {
      EXPECT_LT(relative_distance(streamed.network.layer(i), plain.network.layer(i)), 1e-6);
    }
    EXPECT_GT(relative_distance(streamed.network.layer(4).weight, before[0]), 1e-2);
    EXPECT_GT(relative_distance(streamed.network.layer(3).weight, before[1]), 1e-2);
  }
}

// Published Muon keeps the momentum of orthogonalised gradients: it needs to see them.
TEST(WeightOptimizer, CompatTakesNoFactors) {
  Settings settings = with(Optimizer::muon, Profile::compat);
  settings.dtype = at::kFloat;
  const Case test(settings);
  WeightOptimizer optimizer(settings, test.network);
  const FactoredGradient gradient{1, {}};
  EXPECT_FALSE(optimizer.accept_factors({&gradient, 1}));
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
