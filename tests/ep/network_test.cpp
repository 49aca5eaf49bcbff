#include "ep/network.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "ep/problem.h"
#include "ep/random.h"

namespace peakbench::ep {
namespace {

using namespace testing;

TEST(Random, IsTheSameForTheSameKeyOnly) {
  const at::Tensor a = at::empty({1000}, at::kDouble), b = at::empty_like(a);
  fill_normal(a, 1, {42, 1, 0});
  fill_normal(b, 1, {42, 1, 0});
  EXPECT_TRUE(at::equal(a, b));
  for (const RandomKey& other :
       {RandomKey{43, 1, 0}, {42, 2, 0}, {42, 1, 1}, {42ULL << 32, 1, 0}}) {
    fill_normal(b, 1, other);
    EXPECT_LT(std::abs((a * b).mean().item<double>()), 0.15) << "uncorrelated";
  }
}

TEST(Random, Float32IsFloat64Rounded) {
  const at::Tensor wide = at::empty({1001}, at::kDouble), narrow = at::empty({1001}, at::kFloat);
  fill_uniform(wide, 0.3, {1, 2, 3});
  fill_uniform(narrow, 0.3, {1, 2, 3});
  EXPECT_TRUE(at::equal(wide.to(at::kFloat), narrow));
}

TEST(Random, HasTheMomentsItIsNamedAfter) {
  const at::Tensor values = at::empty({100000}, at::kDouble);
  fill_uniform(values, 2, {1, 1, 1});
  EXPECT_NEAR(values.mean().item<double>(), 0, 0.02);
  EXPECT_NEAR(values.square().mean().item<double>(), 4.0 / 3, 0.02);
  EXPECT_LT(values.abs().max().item<double>(), 2);
  fill_normal(values, 3, {1, 1, 1});
  EXPECT_NEAR(values.mean().item<double>(), 0, 0.05);
  EXPECT_NEAR(values.square().mean().item<double>(), 9, 0.2);
  EXPECT_NEAR(values.pow(4).mean().item<double>() / 81, 3, 0.2);
  const at::Tensor integers = at::empty({100000}, at::kLong);
  fill_integers(integers, 10, {1, 1, 1});
  for (std::int64_t i = 0; i < 10; ++i)
    EXPECT_NEAR((integers == i).to(at::kDouble).mean().item<double>(), 0.1, 0.01);
}

TEST(Network, HasTheShapesOfTheSeed) {
  Settings settings;
  settings.depth = 4;
  const Case test(settings);
  EXPECT_EQ(test.network.layer(0).weight.sizes(), (at::IntArrayRef{128, 784}));
  EXPECT_EQ(test.network.layer(1).weight.sizes(), (at::IntArrayRef{128, 128}));
  EXPECT_EQ(test.network.layer(3).weight.sizes(), (at::IntArrayRef{10, 128}));
  EXPECT_EQ(test.network.layer(3).bias.sizes(), (at::IntArrayRef{10}));
  EXPECT_EQ(test.network.bytes(), 4 * (784 * 128 + 128 + 2 * (128 * 128 + 128) + 128 * 10 + 10));
  EXPECT_EQ(test.batch.input.sizes(), (at::IntArrayRef{32, 784}));
}

Settings wide_settings(Init init) {
  Settings settings = small_settings(4);
  settings.width = 64;
  settings.input_width = 100;
  settings.init = init;
  return settings;
}

TEST(Network, TorchInitialization) {
  const Case test(wide_settings(Init::torch));
  const Layer& layer = test.network.layer(1);
  EXPECT_LE(layer.weight.abs().max().item<double>(), 1.0 / 8);
  EXPECT_NEAR(layer.weight.square().mean().item<double>(), 1.0 / 192, 3e-4);
  EXPECT_GT(layer.bias.abs().max().item<double>(), 0.05);
}

TEST(Network, HeInitialization) {
  const Case test(wide_settings(Init::he));
  EXPECT_NEAR(test.network.layer(0).weight.square().mean().item<double>(), 2.0 / 100, 2e-3);
  EXPECT_EQ(test.network.layer(0).bias.count_nonzero().item<std::int64_t>(), 0);
}

TEST(Network, OrthogonalInitialization) {
  const Case test(wide_settings(Init::orthogonal));
  const auto gram = [&](std::int64_t i) {
    const at::Tensor& weight = test.network.layer(i).weight;
    return weight.size(0) <= weight.size(1) ? at::mm(weight, weight.t())
                                            : at::mm(weight.t(), weight);
  };
  EXPECT_TRUE(at::allclose(gram(0), 2 * at::eye(64, at::kDouble), 1e-10, 1e-10));
  EXPECT_TRUE(at::allclose(gram(1), 2 * at::eye(64, at::kDouble), 1e-10, 1e-10));
  EXPECT_TRUE(at::allclose(gram(3), at::eye(4, at::kDouble), 1e-10, 1e-10));
  EXPECT_FALSE(at::allclose(test.network.layer(1).weight, test.network.layer(2).weight));
}

TEST(Network, ResidualInitializationIsNearTheIdentity) {
  const Case test(wide_settings(Init::residual));
  const at::Tensor rest = test.network.layer(1).weight - at::eye(64, at::kDouble);
  EXPECT_NEAR(rest.square().mean().item<double>(), 2.0 / (64 * 4), 1e-3);
}

TEST(Network, DoesNotDependOnThreadsOrDepth) {
  for (const Init init : {Init::torch, Init::orthogonal, Init::he}) {
    Settings settings = wide_settings(init);
    const int threads = at::get_num_threads();
    at::set_num_threads(1);
    const Case one(settings);
    at::set_num_threads(2);
    const Case two(settings);
    at::set_num_threads(threads);
    settings.depth = 7;
    const Case deeper(settings);
    for (std::int64_t i = 0; i < 3; ++i) {
      EXPECT_TRUE(at::equal(one.network.layer(i).weight, two.network.layer(i).weight));
      EXPECT_TRUE(at::equal(one.network.layer(i).weight, deeper.network.layer(i).weight));
    }
  }
}

TEST(Batch, TargetsAreSmoothedForCrossEntropyOnly) {
  Settings settings = small_settings();
  const Case smoothed(settings);
  const at::Tensor target = smoothed.batch.target;
  EXPECT_TRUE(at::allclose(target.sum(1), at::ones({6}, at::kDouble)));
  EXPECT_NEAR(target.max().item<double>(), 0.9 + 0.1 / 4, 1e-12);
  EXPECT_NEAR(target.min().item<double>(), 0.1 / 4, 1e-12);
  EXPECT_TRUE(at::equal(target.argmax(1), smoothed.batch.labels));
  settings.loss = Loss::mse;
  const Case exact(settings);
  EXPECT_EQ(exact.batch.target.max().item<double>(), 1);
  EXPECT_EQ(exact.batch.target.count_nonzero().item<std::int64_t>(), 6);
}

} // namespace
} // namespace peakbench::ep
