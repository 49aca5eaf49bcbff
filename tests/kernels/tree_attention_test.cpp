#include "kernels/tree_attention.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include "tests/kernels/random_tree.h"

namespace peakbench::kernels {
namespace {

using testing::random_tree;
using testing::RandomTree;
using testing::tree_shapes;

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

constexpr double kFloatTolerance = 2e-5;
constexpr double kBfloat16Tolerance = 2e-2; // the result is rounded to 8 bits

TEST(TreeAttention, EqualsTheReferenceInFloat32) {
  std::uint32_t seed = 1;
  for (const auto& shape : tree_shapes()) {
    const RandomTree tree = random_tree(shape, at::kFloat, seed++);
    for (std::int64_t layer = 0; layer < shape.layers; ++layer)
      EXPECT_LT(distance(tree.attend(layer), tree.reference(layer)), kFloatTolerance)
          << "shape " << seed - 2 << ", layer " << layer;
  }
}

TEST(TreeAttention, EqualsTheReferenceInBfloat16) {
  std::uint32_t seed = 1;
  for (const auto& shape : tree_shapes()) {
    const RandomTree tree = random_tree(shape, at::kBFloat16, seed++);
    const at::Tensor out = tree.attend(1);
    EXPECT_EQ(out.scalar_type(), at::kBFloat16);
    EXPECT_LT(distance(out, tree.reference(1)), kBfloat16Tolerance) << "shape " << seed - 2;
  }
}

TEST(TreeAttention, TellsWrongPlansApart) {
  const RandomTree tree =
      random_tree({.paths = 6, .shared_tokens = 80, .own_tokens = 50}, at::kFloat, 7);
  const at::Tensor right = tree.reference(0);

  RandomTree wrong_slot = tree;
  wrong_slot.plan.runs[2].first = (wrong_slot.plan.runs[2].first + 1) % 8;
  EXPECT_GT(distance(wrong_slot.attend(0), right), 100 * kFloatTolerance);

  RandomTree dropped_run = tree;
  dropped_run.lists.back().pop_back();
  dropped_run.make_plan();
  EXPECT_GT(distance(dropped_run.attend(0), right), 100 * kFloatTolerance);

  RandomTree wrong_path = tree;
  std::swap(wrong_path.lists[1], wrong_path.lists[2]);
  wrong_path.make_plan();
  EXPECT_GT(distance(wrong_path.attend(0), right), 100 * kFloatTolerance);

  RandomTree too_wide = tree; // a neighbour's tokens as if they were shared
  TreeSegment& first_leaf = too_wide.plan.segments[1];
  std::swap(first_leaf.first_path, too_wide.plan.segments[2].first_path);
  EXPECT_GT(distance(too_wide.attend(0), right), 100 * kFloatTolerance);

  EXPECT_GT(distance(tree.attend(1), right), 100 * kFloatTolerance) << "another layer";
}

// Weights span many orders of magnitude: a softmax without its maximum would overflow.
TEST(TreeAttention, SurvivesLargeScores) {
  RandomTree tree = random_tree({.paths = 4, .shared_tokens = 70, .own_tokens = 40}, at::kFloat, 3);
  tree.scale = 40;
  EXPECT_LT(distance(tree.attend(0), tree.reference(0)), 1e-3);
}

// Reading every path for itself, or one path alone, changes no bit.
TEST(TreeAttention, IsTheSameToTheBitWhateverIsShared) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const RandomTree tree = random_tree({.paths = 11,
                                         .heads = 9,
                                         .kv_heads = 3,
                                         .shared_tokens = 75,
                                         .family = 3,
                                         .family_tokens = 40,
                                         .forests = 2},
                                        dtype, 5);
    const at::Tensor shared = tree.attend(0);
    EXPECT_GT(tree.plan.segments.size(), 11U);
    RandomTree apart = tree;
    apart.plan = {};
    apart.plan.paths = 11;
    for (std::int32_t path = 0; path < 11; ++path) {
      const auto& list = tree.lists[static_cast<std::size_t>(path)];
      std::int32_t tokens = 0;
      for (const SlotRun& run : list)
        tokens += run.count;
      apart.plan.segments.push_back({static_cast<std::int32_t>(apart.plan.runs.size()),
                                     static_cast<std::int32_t>(list.size()), path, 1, 0, tokens,
                                     path + 1});
      apart.plan.runs.insert(apart.plan.runs.end(), list.begin(), list.end());
    }
    EXPECT_TRUE(at::equal(apart.attend(0), shared));

    RandomTree alone = tree;
    alone.query = tree.query.narrow(0, 4, 1);
    alone.lists = {tree.lists[4]};
    alone.make_plan();
    EXPECT_TRUE(at::equal(alone.attend(0)[0], shared[4]));
  }
}

TEST(TreeAttention, DoesNotDependOnTheNumberOfThreads) {
  const RandomTree tree = random_tree({.paths = 20, .heads = 9, .kv_heads = 3}, at::kFloat, 9);
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = tree.attend(0);
  at::set_num_threads(3);
  const at::Tensor three = tree.attend(0);
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one, three));
}

// The best instruction set of this machine is what the other tests run; here are the others.
TEST(TreeAttention, EqualsTheReferenceOnEveryInstructionSet) {
  const RandomTree tree = random_tree({.paths = 9, .heads = 9, .kv_heads = 3}, at::kBFloat16, 11);
  const at::Tensor right = tree.reference(0);
  for (std::int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const std::int64_t target = left & -left;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    EXPECT_LT(distance(tree.attend(0), right), kBfloat16Tolerance) << hwy::TargetName(target);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST(TreeAttention, RefusesWhatItCannotRead) {
  const RandomTree tree = random_tree({}, at::kFloat, 1);
  RandomTree nothing = tree;
  nothing.lists = {{}, {}, {}};
  nothing.make_plan();
  EXPECT_THROW(nothing.attend(0), c10::Error);
  RandomTree mixed = tree;
  mixed.query = mixed.query.to(at::kBFloat16);
  EXPECT_THROW(mixed.attend(0), c10::Error);
  RandomTree double_precision = random_tree({}, at::kDouble, 1);
  EXPECT_THROW(double_precision.attend(0), c10::Error);
  EXPECT_THROW(tree.attend(2), c10::Error) << "no such layer";
}

} // namespace
} // namespace peakbench::kernels
