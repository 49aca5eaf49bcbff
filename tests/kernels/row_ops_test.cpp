#include "kernels/row_ops.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace peakbench::kernels {
namespace {

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// Of the compute type, and rows of a width that fills registers, leaves a rest, or is shorter than
// one.
struct RowOps : ::testing::TestWithParam<std::tuple<at::ScalarType, std::int64_t>> {
  at::ScalarType dtype() const { return std::get<0>(GetParam()); }
  std::int64_t width() const { return std::get<1>(GetParam()); }
  double tolerance() const { return dtype() == at::kFloat ? 2e-6 : 0.04; }
  at::Tensor random(at::IntArrayRef sizes, at::ScalarType type) const {
    return at::randn(sizes, at::kFloat).mul(2).to(type);
  }
  void SetUp() override { at::manual_seed(5); }
};
INSTANTIATE_TEST_SUITE_P(Types, RowOps,
                         ::testing::Combine(::testing::Values(at::kFloat, at::kBFloat16),
                                            ::testing::Values(576, 90, 6)));

TEST_P(RowOps, AddRmsNorm) {
  for (const bool with_delta : {false, true}) {
    at::Tensor residual = random({33, width()}, at::kFloat), expected_residual = residual.clone();
    const at::Tensor weight = random({width()}, at::kFloat);
    std::optional<at::Tensor> delta;
    if (with_delta)
      delta = random({33, width()}, dtype());
    at::Tensor out = at::empty({33, width()}, dtype()), expected = at::empty_like(out);
    add_rms_norm(residual, delta, weight, 1e-5, out);
    reference::add_rms_norm(expected_residual, delta, weight, 1e-5, expected);
    EXPECT_TRUE(at::equal(residual, expected_residual));
    EXPECT_LT(distance(out, expected), 4 * tolerance());
    add_rms_norm(residual, std::nullopt, weight, 1, out);
    EXPECT_GT(distance(out, expected), 4 * tolerance()) << "another epsilon";
  }
}

TEST_P(RowOps, RotateHeads) {
  const std::int64_t head_width = width() == 576 ? 64 : width() == 90 ? 10 : 2;
  for (const bool norm : {false, true}) {
    HeadRotation rotation{.heads = 6, .kv_heads = 2, .head_width = head_width, .epsilon = 1e-5};
    const at::Tensor angle = at::rand({7, head_width / 2}).mul(6);
    rotation.table = at::stack({angle.cos(), angle.sin()});
    if (norm) {
      rotation.query_norm = random({head_width}, at::kFloat);
      rotation.key_norm = random({head_width}, at::kFloat);
    }
    at::Tensor qkv = random({21, 10 * head_width}, dtype()), expected = qkv.clone();
    const at::Tensor before = qkv.clone();
    rotate_heads(qkv, rotation);
    reference::rotate_heads(expected, rotation);
    EXPECT_LT(distance(qkv, expected), 4 * tolerance());
    EXPECT_TRUE(at::equal(qkv.narrow(1, 8 * head_width, 2 * head_width),
                          before.narrow(1, 8 * head_width, 2 * head_width)))
        << "values are not turned";
    at::Tensor wrong = before.clone();
    rotation.table = at::stack({angle.cos(), angle.sin().neg()});
    rotate_heads(wrong, rotation);
    EXPECT_GT(distance(wrong, expected), 0.1) << "turned the other way";
  }
}

TEST_P(RowOps, SiluMultiply) {
  at::Tensor gate_up = random({19, 2 * width()}, dtype());
  gate_up[0].fill_(-300); // exp(300) is beyond float32
  gate_up[1].fill_(300);
  at::Tensor out = at::empty({19, width()}, dtype()), expected = at::empty_like(out);
  silu_multiply(gate_up, out);
  reference::silu_multiply(gate_up, expected);
  EXPECT_LT(distance(out.narrow(0, 2, 17), expected.narrow(0, 2, 17)), 8 * tolerance());
  EXPECT_LT(distance(out[0], expected[0]), 1e-20);
  EXPECT_TRUE(at::equal(out[1], expected[1]));
  // Gate and up in the other order.
  at::Tensor swapped =
      at::cat({gate_up.narrow(1, width(), width()), gate_up.narrow(1, 0, width())}, 1);
  silu_multiply(swapped, out);
  EXPECT_GT(distance(out.narrow(0, 2, 17), expected.narrow(0, 2, 17)), 0.1);
}

TEST(RowOpsRounding, Bfloat16IsRoundedToTheNearestEven) {
  at::Tensor residual = at::randn({4, 64}).mul(3), out = at::empty({4, 64}, at::kBFloat16);
  const at::Tensor weight = at::ones({64});
  add_rms_norm(residual, std::nullopt, weight, 1e-5, out);
  at::Tensor exact = at::empty({4, 64});
  add_rms_norm(residual, std::nullopt, weight, 1e-5, exact);
  EXPECT_TRUE(at::equal(out, exact.to(at::kBFloat16)));
}

TEST(RowOpsChecks, RefuseWhatDoesNotFit) {
  at::Tensor residual = at::zeros({2, 8}), out = at::zeros({2, 8}), narrow = at::zeros({2, 7});
  const at::Tensor weight = at::ones({8});
  EXPECT_THROW(add_rms_norm(residual, std::nullopt, weight, 1e-5, narrow), c10::Error);
  EXPECT_THROW(add_rms_norm(residual, narrow, weight, 1e-5, out), c10::Error);
  EXPECT_THROW(silu_multiply(residual, out), c10::Error);
  at::Tensor doubles = at::zeros({2, 8}, at::kDouble);
  EXPECT_THROW(add_rms_norm(residual, std::nullopt, weight, 1e-5, doubles), c10::Error);
}

} // namespace
} // namespace peakbench::kernels
