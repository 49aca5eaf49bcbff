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

// NaN is infinitely far away.
double distance(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor difference = (a.cpu().to(at::kDouble) - b.cpu().to(at::kDouble)).abs();
  return difference.nan_to_num(INFINITY).max().item<double>();
}

constexpr std::pair<at::ScalarType, double> kTypes[] = {
    {at::kFloat, 2e-5}, {at::kBFloat16, 2e-2}, {at::kHalf, 3e-3}};

TEST_F(TreeAttentionGpu, EqualsTheReference) {
  for (const auto& [dtype, tolerance] : kTypes) {
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

TEST_F(TreeAttentionGpu, EqualsTheReferenceAtEveryHeadWidth) {
  for (const auto& [dtype, tolerance] : kTypes)
    for (const std::int64_t width : {8, 40, 64, 72, 80, 96, 104, 128, 136, 256})
      for (const std::int64_t kv_heads : {1, 2, 8}) {
        const RandomTree tree = random_tree({.paths = 9,
                                             .heads = 8,
                                             .kv_heads = kv_heads,
                                             .head_width = width,
                                             .shared_tokens = 230,
                                             .own_tokens = 150,
                                             .family = 3,
                                             .family_tokens = 40,
                                             .layers = 1},
                                            dtype, static_cast<std::uint32_t>(width + kv_heads));
        EXPECT_LT(distance(on_gpu(tree).attend(0), tree.reference(0)), tolerance)
            << at::toString(dtype) << ", " << width << " wide, " << kv_heads << " kv heads";
      }
}

// Long prompts: many splits, a whole GPU at work. The reference runs in float64 on the GPU.
TEST_F(TreeAttentionGpu, EqualsTheReferenceForLongPromptsOfManyPaths) {
  for (const auto& [dtype, tolerance] : kTypes)
    for (const std::int64_t width : {64, 80, 96, 128})
      for (const std::int64_t forests : {1, 3}) {
        const RandomTree tree = on_gpu(random_tree({.paths = 64,
                                                    .heads = 16,
                                                    .kv_heads = 2,
                                                    .head_width = width,
                                                    .shared_tokens = 4096,
                                                    .own_tokens = 50,
                                                    .family = 4,
                                                    .family_tokens = 9,
                                                    .forests = forests,
                                                    .longest_run = 80,
                                                    .layers = 1},
                                                   dtype, static_cast<std::uint32_t>(width)));
        EXPECT_LT(distance(tree.attend(0), tree.reference(0)), tolerance)
            << at::toString(dtype) << ", " << width << " wide, " << forests << " trees";
      }
}

// A missing barrier shows as results that change from run to run.
TEST_F(TreeAttentionGpu, GivesTheSameBitsEveryTime) {
  for (const auto& [dtype, tolerance] : kTypes) {
    const RandomTree tree = on_gpu(random_tree({.paths = 40,
                                                .heads = 9,
                                                .kv_heads = 3,
                                                .shared_tokens = 2000,
                                                .own_tokens = 90,
                                                .longest_run = 80,
                                                .layers = 1},
                                               dtype, 3));
    const at::Tensor first = tree.attend(0);
    for (int i = 0; i < 200; ++i)
      ASSERT_TRUE(at::equal(tree.attend(0), first)) << at::toString(dtype) << ", run " << i;
  }
}

TEST_F(TreeAttentionGpu, SurvivesLargeScores) {
  RandomTree tree = random_tree({.paths = 4, .shared_tokens = 70, .own_tokens = 40}, at::kFloat, 3);
  tree.scale = 40;
  EXPECT_LT(distance(on_gpu(tree).attend(0), tree.reference(0)), 1e-3);
}

TEST_F(TreeAttentionGpu, RefusesHeadsThatItCannotRead) {
  RandomTree odd = on_gpu(random_tree({.head_width = 12}, at::kFloat, 1));
  EXPECT_THROW(odd.attend(0), c10::Error);
  RandomTree wide = on_gpu(random_tree({.head_width = 264}, at::kFloat, 1));
  EXPECT_THROW(wide.attend(0), c10::Error);
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
