// The GPU's kernels of tree_attention, run on the CPU (support/cuda_on_cpu.h).
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/kernels/attention_on_cpu.h"

namespace peakbench::kernels {
namespace {

using testing::attend_on_cpu;
using testing::DeviceRun;
using testing::random_tree;
using testing::RandomTree;
using testing::TreeShape;

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
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
  for (const auto& shape : testing::tree_shapes()) {
    const RandomTree tree = random_tree(shape, GetParam(), seed++);
    DeviceRun run;
    EXPECT_LT(distance(attend_on_cpu(tree, 1, run), tree.reference(1)), tolerance(GetParam()))
        << "shape " << seed - 2;
    EXPECT_EQ(run.bank_conflicts, 0) << "shape " << seed - 2;
  }
}

} // namespace
} // namespace peakbench::kernels
