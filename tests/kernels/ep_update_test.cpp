// The streamed optimizer against gradients in float64.
#include "kernels/ep_update.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <vector>

#include <hwy/targets.h>

namespace peakbench::kernels {
namespace {

constexpr float kRate = 0.1F, kMomentum = 0.9F;

struct Shape {
  std::int64_t outputs, inputs, rows;
};

// A layer with errors and activations of a batch, and of a second phase that is subtracted.
struct Layer {
  explicit Layer(const Shape& shape) {
    at::manual_seed(static_cast<std::uint64_t>(shape.outputs * 100 + shape.rows));
    weight = at::randn({shape.outputs, shape.inputs});
    bias = at::randn({shape.outputs});
    weight_momentum = at::randn_like(weight);
    bias_momentum = at::randn_like(bias);
    for (int phase = 0; phase < 2; ++phase) {
      error[phase] = at::randn({shape.rows, shape.outputs});
      activation[phase] = at::randn({shape.rows, shape.inputs}).relu_();
    }
  }
  static constexpr float kScale[] = {0.3F, -0.2F};

  // The batch cut into factors of `rows`.
  EpLayerUpdate update(EpRule rule, std::int64_t rows) {
    EpLayerUpdate update;
    update.weight = weight.data_ptr<float>();
    update.bias = bias.data_ptr<float>();
    update.outputs = weight.size(0);
    update.inputs = weight.size(1);
    if (rule != EpRule::sgd) {
      update.weight_momentum = weight_momentum.data_ptr<float>();
      update.bias_momentum = bias_momentum.data_ptr<float>();
    }
    for (int phase = 0; phase < 2; ++phase)
      for (std::int64_t r = 0; r < error[phase].size(0); r += rows)
        update.factors.push_back({error[phase][r].const_data_ptr<float>(),
                                  activation[phase][r].const_data_ptr<float>(),
                                  std::min(rows, error[phase].size(0) - r), kScale[phase]});
    return update;
  }
  at::Tensor gradient(int phases = 2) const {
    at::Tensor sum = at::zeros_like(weight, at::kDouble);
    for (int phase = 0; phase < phases; ++phase)
      sum += at::mm(error[phase].to(at::kDouble).t(), activation[phase].to(at::kDouble)) *
             static_cast<double>(kScale[phase]);
    return sum;
  }
  at::Tensor bias_gradient() const {
    return error[0].to(at::kDouble).sum(0) * static_cast<double>(kScale[0]) +
           error[1].to(at::kDouble).sum(0) * static_cast<double>(kScale[1]);
  }

  at::Tensor weight, bias, weight_momentum, bias_momentum, error[2], activation[2];
};

double distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a.to(at::kDouble) - b).abs().max() / b.abs().max()).item<double>();
}

class EpUpdate : public ::testing::TestWithParam<Shape> {};

TEST_P(EpUpdate, EqualsTheRuleInFloat64) {
  for (const EpRule rule : {EpRule::sgd, EpRule::momentum, EpRule::accumulate}) {
    Layer layer(GetParam());
    const Layer before(GetParam());
    const EpLayerUpdate update = layer.update(rule, 16);
    ep_update({&update, 1}, rule, kRate, kMomentum);
    const auto check = [&](const at::Tensor& now, const at::Tensor& old, const at::Tensor& momentum,
                           const at::Tensor& old_momentum, const at::Tensor& gradient,
                           bool changes) {
      const at::Tensor speed =
          rule == EpRule::sgd ? gradient : kMomentum * old_momentum.to(at::kDouble) + gradient;
      if (rule == EpRule::sgd)
        EXPECT_TRUE(at::equal(momentum, old_momentum));
      else
        EXPECT_LT(distance(momentum, speed), 1e-6);
      if (changes)
        EXPECT_LT(distance(now, old.to(at::kDouble) - kRate * speed), 1e-6);
      else
        EXPECT_TRUE(at::equal(now, old));
    };
    check(layer.weight, before.weight, layer.weight_momentum, before.weight_momentum,
          before.gradient(), rule != EpRule::accumulate);
    check(layer.bias, before.bias, layer.bias_momentum, before.bias_momentum,
          before.bias_gradient(), true);
    const at::Tensor other = before.weight.to(at::kDouble) - kRate * before.gradient(1);
    EXPECT_GT(distance(layer.weight, other), 1e-6) << "without the second phase";
  }
}

TEST_P(EpUpdate, DoesNotDependOnHowTheBatchIsCutNorOnThreads) {
  Layer whole(GetParam()), cut(GetParam());
  const EpLayerUpdate one = whole.update(EpRule::momentum, 1000);
  ep_update({&one, 1}, EpRule::momentum, kRate, kMomentum);
  const int threads = at::get_num_threads();
  at::set_num_threads(3);
  const EpLayerUpdate many = cut.update(EpRule::momentum, 5);
  ep_update({&many, 1}, EpRule::momentum, kRate, kMomentum);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(whole.weight, cut.weight));
  EXPECT_TRUE(at::equal(whole.bias, cut.bias));
  EXPECT_TRUE(at::equal(whole.weight_momentum, cut.weight_momentum));
}

INSTANTIATE_TEST_SUITE_P(Shapes, EpUpdate,
                         ::testing::Values(Shape{1, 1, 4}, Shape{10, 128, 32}, Shape{128, 128, 7},
                                           Shape{33, 47, 33}, Shape{40, 784, 3},
                                           Shape{70, 100, 100}),
                         [](const auto& shape) {
                           return std::to_string(shape.param.outputs) + "x" +
                                  std::to_string(shape.param.inputs) + "_rows" +
                                  std::to_string(shape.param.rows);
                         });

TEST(EpUpdateList, LayersSideBySideAreEachAsAlone) {
  std::vector<Layer> alone, together;
  std::vector<EpLayerUpdate> updates;
  const Shape shapes[] = {{10, 64, 8}, {64, 64, 8}, {64, 64, 9}, {64, 90, 8}};
  for (const Shape& shape : shapes) {
    alone.emplace_back(shape);
    together.emplace_back(shape);
    const EpLayerUpdate one = alone.back().update(EpRule::sgd, 4);
    ep_update({&one, 1}, EpRule::sgd, kRate, kMomentum);
    updates.push_back(together.back().update(EpRule::sgd, 4));
  }
  ep_update(updates, EpRule::sgd, kRate, kMomentum);
  for (std::size_t i = 0; i < alone.size(); ++i)
    EXPECT_TRUE(at::equal(alone[i].weight, together[i].weight)) << "layer " << i;
}

TEST(EpUpdateList, EqualsTheRuleOnEveryInstructionSet) {
  for (std::int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const std::int64_t target = left & -left;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    const Shape shape{40, 50, 12};
    Layer layer(shape);
    const EpLayerUpdate update = layer.update(EpRule::sgd, 12);
    ep_update({&update, 1}, EpRule::sgd, kRate, kMomentum);
    const Layer before(shape);
    EXPECT_LT(distance(layer.weight, before.weight.to(at::kDouble) - kRate * before.gradient()),
              1e-6)
        << hwy::TargetName(target);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

} // namespace
} // namespace peakbench::kernels
