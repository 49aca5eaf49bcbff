#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/tree_attention.h"
#include "tests/kernels/random_tree.h"

namespace peakbench::kernels {
namespace {

using testing::random_tree;
using testing::RandomTree;
using testing::tree_shapes;

class TreeAttentionGpu : public ::testing::Test {
protected:
  void SetUp() override {
    if (!at::hasCUDA())
      GTEST_SKIP() << "needs a GPU";
  }
};

RandomTree on_gpu(RandomTree tree) {
  tree.query = tree.query.to(at::kCUDA);
  for (at::Tensor& chunk : tree.chunks)
    chunk = chunk.to(at::kCUDA);
  tree.plan.device.reset();
  return tree;
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.cpu().to(at::kDouble) - b.cpu().to(at::kDouble)).abs().max().item<double>();
}

TEST_F(TreeAttentionGpu, EqualsTheReference) {
  for (const auto& [dtype, tolerance] :
       {std::pair{at::kFloat, 2e-5}, {at::kBFloat16, 2e-2}, {at::kHalf, 3e-3}}) {
    std::uint32_t seed = 1;
    std::vector<testing::TreeShape> shapes = tree_shapes();
    shapes.push_back(
        {.paths = 20, .heads = 9, .kv_heads = 3, .shared_tokens = 1000, .own_tokens = 600});
    for (const auto& shape : shapes) {
      const RandomTree tree = random_tree(shape, dtype, seed++);
      const RandomTree gpu = on_gpu(tree);
      for (std::int64_t layer = 0; layer < shape.layers; ++layer)
        EXPECT_LT(distance(gpu.attend(layer), tree.reference(layer)), tolerance)
            << at::toString(dtype) << ", shape " << seed - 2 << ", layer " << layer;
    }
  }
}

TEST_F(TreeAttentionGpu, TellsWrongPlansApart) {
  const RandomTree tree =
      random_tree({.paths = 6, .shared_tokens = 80, .own_tokens = 50}, at::kFloat, 7);
  const at::Tensor right = tree.reference(0);
  RandomTree wrong_slot = on_gpu(tree);
  wrong_slot.plan.runs[2].first = (wrong_slot.plan.runs[2].first + 1) % 8;
  EXPECT_GT(distance(wrong_slot.attend(0), right), 2e-3);
  RandomTree dropped_run = on_gpu(tree);
  dropped_run.lists.back().pop_back();
  dropped_run.make_plan();
  EXPECT_GT(distance(dropped_run.attend(0), right), 2e-3);
}

} // namespace
} // namespace peakbench::kernels
