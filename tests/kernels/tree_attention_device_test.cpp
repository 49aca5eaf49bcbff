// The GPU's kernels of tree_attention, run on the CPU (support/cuda_on_cpu.h).
#include "kernels/tree_attention_device.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/attention_lists.h"
#include "support/kernels_on_cpu.h"
#include "tests/kernels/random_tree.h"

namespace peakbench::kernels {
namespace {

using peakbench::testing::kKernelsOnCpu;
using testing::random_tree;
using testing::RandomTree;
using testing::TreeShape;

constexpr std::int32_t kPadding = 2; // paths that are not there

Element element_of(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat      ? Element::float32
         : tensor.scalar_type() == at::kBFloat16 ? Element::bfloat16
                                                 : Element::float16;
}

// Numbers nobody wrote are NaN.
at::Tensor attend(const RandomTree& tree, std::int64_t layer,
                  AttentionSplitting splitting = {.blocks = 6}) {
  const std::int64_t paths = tree.query.size(0), heads = tree.query.size(1);
  const std::int64_t width = tree.query.size(2), kv_heads = tree.chunks.front().size(3);
  AttendArguments a;
  a.element = element_of(tree.query);
  a.paths = static_cast<std::int32_t>(paths) + kPadding;
  a.heads = static_cast<std::int32_t>(heads);
  a.kv_heads = static_cast<std::int32_t>(kv_heads);
  a.head_width = static_cast<std::int32_t>(width);
  a.layer = layer;
  a.scale = static_cast<float>(tree.scale * M_LOG2E);

  splitting.group = a.heads / a.kv_heads;
  splitting.kv_heads = a.kv_heads;
  splitting.rows = std::min(splitting.rows, attention_rows(a.element, a.head_width));
  const AttentionLists lists(tree.plan, splitting);
  std::vector<ChunkView> chunks;
  for (const at::Tensor& chunk : tree.chunks)
    chunks.push_back({chunk.const_data_ptr(), chunk.size(2)});
  const at::Tensor bytes =
      at::empty({static_cast<std::int64_t>(lists.bytes(chunks.size(), a.paths))}, at::kByte);
  lists.write(chunks, a.paths, static_cast<std::byte*>(bytes.mutable_data_ptr()));
  a.lists = static_cast<const AttentionHeader*>(bytes.const_data_ptr());

  // Queries as they lie in a fused product: keys and values behind them.
  const auto like = tree.query.options();
  const at::Tensor query = at::full({a.paths, heads + 2 * kv_heads, width}, NAN, like);
  query.narrow(0, 0, paths).narrow(1, 0, heads).copy_(tree.query);
  const at::Tensor out = at::full({a.paths, heads, width}, NAN, like);
  const at::Tensor partials =
      at::full({lists.partial_rows(), partial_floats(kv_heads, width)}, NAN, at::kFloat);
  a.query = query.const_data_ptr();
  a.query_stride = query.stride(0);
  a.out = out.mutable_data_ptr();
  a.place_partials(partials.mutable_data_ptr<float>(), lists.partial_rows());
  kKernelsOnCpu.attend(a, 6, nullptr);
  EXPECT_EQ(peakbench::testing::last_bank_conflicts(), 0);
  kKernelsOnCpu.merge(a, nullptr);
  EXPECT_TRUE(out.narrow(0, paths, kPadding).eq(0).all().item<bool>());
  return out.narrow(0, 0, paths);
}

// NaN is infinitely far away.
double distance(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor difference = (a.to(at::kDouble) - b.to(at::kDouble)).abs();
  return difference.nan_to_num(INFINITY).max().item<double>();
}

double tolerance(at::ScalarType dtype) {
  return dtype == at::kFloat ? 2e-5 : dtype == at::kHalf ? 3e-3 : 2e-2;
}

class TreeAttentionDevice : public ::testing::TestWithParam<at::ScalarType> {};
INSTANTIATE_TEST_SUITE_P(Types, TreeAttentionDevice,
                         ::testing::Values(at::kFloat, at::kBFloat16, at::kHalf),
                         [](const auto& dtype) { return at::toString(dtype.param); });

TEST_P(TreeAttentionDevice, EqualsTheReference) {
  std::uint32_t seed = 1;
  for (const TreeShape& shape : testing::tree_shapes()) {
    const RandomTree tree = random_tree(shape, GetParam(), seed++);
    EXPECT_LT(distance(attend(tree, 1), tree.reference(1)), tolerance(GetParam()))
        << "shape " << seed - 2;
  }
}

// Every shape of block: head widths with and without padding, narrow and wide, one tile and many.
TEST_P(TreeAttentionDevice, EqualsTheReferenceAtEveryHeadWidth) {
  for (const std::int64_t width : {8, 40, 64, 72, 80, 96, 104, 128, 136, 256}) {
    const RandomTree tree = random_tree({.paths = 5,
                                         .heads = 5,
                                         .kv_heads = 1,
                                         .head_width = width,
                                         .shared_tokens = 170,
                                         .own_tokens = 80,
                                         .layers = 1},
                                        GetParam(), static_cast<std::uint32_t>(width));
    // One block at a time: splits are as long as they get.
    EXPECT_LT(distance(attend(tree, 0, {.blocks = 1}), tree.reference(0)), tolerance(GetParam()))
        << width;
  }
}

TEST_P(TreeAttentionDevice, DoesNotMindHowTheWorkIsSplit) {
  const RandomTree tree = random_tree({.paths = 12,
                                       .heads = 9,
                                       .kv_heads = 3,
                                       .shared_tokens = 300,
                                       .own_tokens = 20,
                                       .family = 3,
                                       .family_tokens = 30,
                                       .forests = 2},
                                      GetParam(), 4);
  const at::Tensor right = tree.reference(1);
  const AttentionSplitting all_at_once{.blocks = 1, .shortest = 0};
  const AttentionSplitting in_pieces{.blocks = 1000, .shortest = 25, .least_tiles = 1};
  const AttentionSplitting by_path{.blocks = 40, .shortest = 1000, .least_tiles = 1};
  const AttentionSplitting few_rows{.rows = kNarrowRows, .blocks = 1};
  for (const AttentionSplitting& splitting : {all_at_once, in_pieces, by_path, few_rows})
    EXPECT_LT(distance(attend(tree, 1, splitting), right), tolerance(GetParam()))
        << splitting.blocks << " blocks, shortest " << splitting.shortest;
}

TEST(TreeAttentionDevice, TellsWrongPlansApart) {
  const RandomTree tree =
      random_tree({.paths = 6, .shared_tokens = 80, .own_tokens = 50}, at::kFloat, 7);
  const at::Tensor right = tree.reference(0);
  EXPECT_LT(distance(attend(tree, 0), right), 2e-5);

  RandomTree wrong_slot = tree;
  wrong_slot.plan.runs[2].first = (wrong_slot.plan.runs[2].first + 1) % 8;
  EXPECT_GT(distance(attend(wrong_slot, 0), right), 2e-3);

  RandomTree dropped_run = tree;
  dropped_run.lists.back().pop_back();
  dropped_run.make_plan();
  EXPECT_GT(distance(attend(dropped_run, 0), right), 2e-3);

  RandomTree wrong_path = tree;
  std::swap(wrong_path.lists[1], wrong_path.lists[2]);
  wrong_path.make_plan();
  EXPECT_GT(distance(attend(wrong_path, 0), right), 2e-3);

  RandomTree too_wide = tree; // a neighbour's tokens as if they were shared
  std::swap(too_wide.plan.segments[1].first_path, too_wide.plan.segments[2].first_path);
  EXPECT_GT(distance(attend(too_wide, 0), right), 2e-3);

  EXPECT_GT(distance(attend(tree, 1), right), 2e-3) << "another layer";
}

// Weights span many orders of magnitude: a softmax without its maximum would overflow.
TEST(TreeAttentionDevice, SurvivesLargeScores) {
  RandomTree tree = random_tree({.paths = 4, .shared_tokens = 70, .own_tokens = 40}, at::kFloat, 3);
  tree.scale = 40;
  EXPECT_LT(distance(attend(tree, 0), tree.reference(0)), 1e-3);
}

} // namespace
} // namespace peakbench::kernels
