// The fused row operations and the copies between slots on a GPU, against plain LibTorch calls.
#include "kernels/row_ops.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "llm/kv_copy.h"

namespace peakbench::kernels {
namespace {

class RowOpsGpu : public ::testing::Test {
protected:
  void SetUp() override {
    if (!at::hasCUDA())
      GTEST_SKIP() << "needs a GPU that CUDA can use (at::hasCUDA() is false)";
    at::manual_seed(5);
  }
};

constexpr std::pair<at::ScalarType, double> kTypes[] = {
    {at::kFloat, 2e-6}, {at::kBFloat16, 0.04}, {at::kHalf, 6e-3}};

double distance(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor difference = (a.cpu().to(at::kDouble) - b.cpu().to(at::kDouble)).abs();
  return difference.nan_to_num(INFINITY).max().item<double>();
}
at::Tensor random(at::IntArrayRef sizes, at::ScalarType dtype) {
  return at::randn(sizes).mul(2).to(at::kCUDA, dtype);
}
at::Tensor nothing(at::IntArrayRef sizes, at::ScalarType dtype) {
  return at::full(sizes, NAN, at::TensorOptions(dtype).device(at::kCUDA));
}

TEST_F(RowOpsGpu, AddRmsNorm) {
  for (const auto& [dtype, tolerance] : kTypes)
    for (const std::int64_t width : {576, 90, 3584})
      for (const bool with_delta : {false, true}) {
        at::Tensor residual = random({33, width}, at::kFloat), expected_residual = residual.clone();
        const at::Tensor weight = random({width}, at::kFloat);
        std::optional<at::Tensor> delta;
        if (with_delta)
          delta = random({33, width}, dtype);
        at::Tensor out = nothing({33, width}, dtype), expected = at::empty_like(out);
        add_rms_norm(residual, delta, weight, 1e-5, out);
        reference::add_rms_norm(expected_residual, delta, weight, 1e-5, expected);
        EXPECT_TRUE(at::equal(residual, expected_residual));
        EXPECT_LT(distance(out, expected), 4 * tolerance) << at::toString(dtype) << " " << width;
        add_rms_norm(residual, std::nullopt, weight, 1, out);
        EXPECT_GT(distance(out, expected), 4 * tolerance) << "another epsilon";
      }
}

TEST_F(RowOpsGpu, RotateHeads) {
  for (const auto& [dtype, tolerance] : kTypes)
    for (const std::int64_t head_width : {64, 80, 96, 128, 256})
      for (const bool norm : {false, true}) {
        HeadRotation rotation{.heads = 6, .kv_heads = 2, .head_width = head_width, .epsilon = 1e-5};
        const at::Tensor angle = at::rand({7, head_width / 2}).mul(6).cuda();
        rotation.table = at::stack({angle.cos(), angle.sin()});
        if (norm) {
          rotation.query_norm = random({head_width}, at::kFloat);
          rotation.key_norm = random({head_width}, at::kFloat);
        }
        at::Tensor qkv = random({21, 10 * head_width}, dtype), expected = qkv.clone();
        rotate_heads(qkv, rotation);
        reference::rotate_heads(expected, rotation);
        EXPECT_LT(distance(qkv, expected), 4 * tolerance)
            << at::toString(dtype) << " " << head_width;
      }
}

TEST_F(RowOpsGpu, SiluMultiply) {
  for (const auto& [dtype, tolerance] : kTypes)
    for (const std::int64_t width : {1536, 90}) {
      const at::Tensor gate_up = random({19, 2 * width}, dtype);
      at::Tensor out = nothing({19, width}, dtype), expected = at::empty_like(out);
      silu_multiply(gate_up, out);
      reference::silu_multiply(gate_up, expected);
      EXPECT_LT(distance(out, expected), 8 * tolerance) << at::toString(dtype) << " " << width;
    }
}

TEST_F(RowOpsGpu, CopiesBetweenScatteredSlots) {
  const std::vector<at::Tensor> chunks{random({3, 2, 40, 2, 64}, at::kBFloat16),
                                       random({3, 2, 30, 2, 64}, at::kBFloat16)};
  const std::vector<at::Tensor> before{chunks[0].clone(), chunks[1].clone()};
  const std::vector<SlotRun> from{{0, 3, 5}, {1, 0, 2}, {0, 20, 1}}, to{{1, 10, 4}, {0, 30, 4}};
  llm::copy_slots(chunks, from, to);
  const at::Tensor moved = at::cat(
      {before[0].narrow(2, 3, 5), before[1].narrow(2, 0, 2), before[0].narrow(2, 20, 1)}, 2);
  EXPECT_TRUE(at::equal(chunks[1].narrow(2, 10, 4), moved.narrow(2, 0, 4)));
  EXPECT_TRUE(at::equal(chunks[0].narrow(2, 30, 4), moved.narrow(2, 4, 4)));
  EXPECT_TRUE(at::equal(chunks[0].narrow(2, 0, 30), before[0].narrow(2, 0, 30)));
}

} // namespace
} // namespace peakbench::kernels
