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
  wrong_slot.plan.shared[2].first = (wrong_slot.plan.shared[2].first + 1) % 8;
  EXPECT_GT(distance(wrong_slot.attend(0), right), 100 * kFloatTolerance);

  RandomTree dropped_run = tree;
  dropped_run.plan.own.pop_back();
  --dropped_run.plan.own_begin.back();
  EXPECT_GT(distance(dropped_run.attend(0), right), 100 * kFloatTolerance);

  RandomTree wrong_path = tree;
  wrong_path.plan.own_begin[1] += 1;
  EXPECT_GT(distance(wrong_path.attend(0), right), 100 * kFloatTolerance);

  EXPECT_GT(distance(tree.attend(1), right), 100 * kFloatTolerance) << "another layer";
}

// Weights span many orders of magnitude: a softmax without its maximum would overflow.
TEST(TreeAttention, SurvivesLargeScores) {
  RandomTree tree = random_tree({.paths = 4, .shared_tokens = 70, .own_tokens = 40}, at::kFloat, 3);
  tree.scale = 40;
  EXPECT_LT(distance(tree.attend(0), tree.reference(0)), 1e-3);
}

// What moves from the own lists to the shared one changes no bit, and neither do the other paths.
TEST(TreeAttention, IsTheSameToTheBitWhateverIsShared) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    RandomTree tree =
        random_tree({.paths = 11, .heads = 9, .kv_heads = 3, .shared_tokens = 75}, dtype, 5);
    const at::Tensor shared = tree.attend(0);
    RandomTree apart = tree;
    apart.plan = {};
    apart.plan.own_begin.push_back(0);
    for (std::size_t path = 0; path < 11; ++path) {
      auto& own = apart.plan.own;
      own.insert(own.end(), tree.plan.shared.begin(), tree.plan.shared.end());
      own.insert(own.end(), tree.plan.own.begin() + tree.plan.own_begin[path],
                 tree.plan.own.begin() + tree.plan.own_begin[path + 1]);
      apart.plan.own_begin.push_back(static_cast<std::int32_t>(own.size()));
    }
    EXPECT_TRUE(at::equal(apart.attend(0), shared));

    RandomTree alone = tree;
    alone.query = tree.query.narrow(0, 4, 1);
    alone.plan.own_begin = {tree.plan.own_begin[4], tree.plan.own_begin[5]};
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
  nothing.plan.shared.clear();
  nothing.plan.own.clear();
  nothing.plan.own_begin = {0, 0, 0, 0};
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
