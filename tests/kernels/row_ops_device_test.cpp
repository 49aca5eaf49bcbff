// The GPU's kernels of row_ops and of copies between slots, run on the CPU
// (support/cuda_on_cpu.h).
#include "kernels/row_ops_device.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "kernels/row_ops.h"
#include "support/kernels_on_cpu.h"

namespace peakbench::kernels {
namespace {

using peakbench::testing::kKernelsOnCpu;

double distance(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor difference = (a.to(at::kDouble) - b.to(at::kDouble)).abs();
  return difference.nan_to_num(INFINITY).max().item<double>();
}

// Of the compute type, and rows of widths that vectors fill, and that they do not.
struct RowOpsDevice : ::testing::TestWithParam<std::tuple<at::ScalarType, std::int64_t>> {
  at::ScalarType dtype() const { return std::get<0>(GetParam()); }
  std::int64_t width() const { return std::get<1>(GetParam()); }
  std::int32_t narrow_width() const { return static_cast<std::int32_t>(width()); }
  double tolerance() const {
    return dtype() == at::kFloat ? 2e-6 : dtype() == at::kHalf ? 6e-3 : 0.04;
  }
  Element element() const {
    return dtype() == at::kFloat      ? Element::float32
           : dtype() == at::kBFloat16 ? Element::bfloat16
                                      : Element::float16;
  }
  at::Tensor random(at::IntArrayRef sizes, at::ScalarType type) const {
    return at::randn(sizes, at::kFloat).mul(2).to(type);
  }
  at::Tensor nothing(at::IntArrayRef sizes) const { return at::full(sizes, NAN, dtype()); }
  void SetUp() override { at::manual_seed(5); }
};
INSTANTIATE_TEST_SUITE_P(Types, RowOpsDevice,
                         ::testing::Combine(::testing::Values(at::kFloat, at::kBFloat16, at::kHalf),
                                            ::testing::Values(1152, 90, 6)));

TEST_P(RowOpsDevice, Norm) {
  for (const bool with_delta : {false, true}) {
    at::Tensor residual = random({7, width()}, at::kFloat), expected_residual = residual.clone();
    const at::Tensor weight = random({width()}, at::kFloat);
    std::optional<at::Tensor> delta;
    if (with_delta)
      delta = random({7, width()}, dtype());
    at::Tensor out = nothing({7, width()}), expected = at::empty_like(out);
    const auto norm = [&](at::Tensor& stream, float epsilon) {
      kKernelsOnCpu.norm({element(), stream.mutable_data_ptr<float>(),
                          delta ? delta->const_data_ptr() : nullptr, weight.const_data_ptr<float>(),
                          out.mutable_data_ptr(), 7, narrow_width(), epsilon},
                         nullptr);
    };
    norm(residual, 1e-5F);
    reference::add_rms_norm(expected_residual, delta, weight, 1e-5, expected);
    EXPECT_TRUE(at::equal(residual, expected_residual));
    EXPECT_LT(distance(out, expected), 4 * tolerance());
    at::Tensor again = expected_residual.clone();
    norm(again, 1);
    EXPECT_GT(distance(out, expected), 4 * tolerance()) << "another epsilon";
  }
}

TEST_P(RowOpsDevice, Rotation) {
  const std::int64_t head_width = width() == 1152 ? 128 : width() == 90 ? 10 : 2;
  constexpr std::int64_t kHeads = 6, kKvHeads = 2, kRows = 6, kSlots = 9, kLayers = 3;
  for (const bool norm : {false, true}) {
    HeadRotation rotation{
        .heads = kHeads, .kv_heads = kKvHeads, .head_width = head_width, .epsilon = 1e-5};
    const at::Tensor angle = at::rand({3, head_width / 2}).mul(6);
    rotation.table = at::stack({angle.cos(), angle.sin()});
    if (norm) {
      rotation.query_norm = random({head_width}, at::kFloat);
      rotation.key_norm = random({head_width}, at::kFloat);
    }
    const at::Tensor before = random({kRows, 10 * head_width}, dtype());
    at::Tensor expected = before.clone();
    reference::rotate_heads(expected, rotation);
    DeviceRotation a;
    a.element = element();
    a.rows = kRows;
    a.heads = kHeads;
    a.kv_heads = kKvHeads;
    a.head_width = static_cast<std::int32_t>(head_width);
    a.query_norm = norm ? rotation.query_norm.const_data_ptr<float>() : nullptr;
    a.key_norm = norm ? rotation.key_norm.const_data_ptr<float>() : nullptr;
    a.epsilon = 1e-5F;
    a.cosine = rotation.table.const_data_ptr<float>();
    a.sine = a.cosine + 3 * head_width / 2;
    a.positions = 3;

    at::Tensor in_place = before.clone();
    a.qkv = in_place.mutable_data_ptr();
    kKernelsOnCpu.rotate(a, nullptr);
    EXPECT_LT(distance(in_place, expected), 4 * tolerance());
    const auto values = [&](const at::Tensor& t) {
      return t.narrow(1, (kHeads + kKvHeads) * head_width, kKvHeads * head_width);
    };
    EXPECT_TRUE(at::equal(values(in_place), values(before))) << "values are not turned";

    // Straight into slots 4, 3, 2, ... of the middle layer; the last row is padding.
    at::Tensor pool = nothing({kLayers, 2, kSlots, kKvHeads, head_width}), queries = before.clone();
    std::vector<SlotAddress> slots(kRows);
    for (std::int64_t row = 0; row + 1 < kRows; ++row)
      slots[static_cast<std::size_t>(row)] = {pool[0][0][4 - row].mutable_data_ptr(), kSlots};
    a.qkv = queries.mutable_data_ptr();
    a.slots = slots.data();
    a.layer = 1;
    kKernelsOnCpu.rotate(a, nullptr);
    for (std::int64_t row = 0; row + 1 < kRows; ++row) {
      const at::Tensor key = expected[row].narrow(0, kHeads * head_width, kKvHeads * head_width);
      EXPECT_LT(distance(pool[1][0][4 - row].reshape(-1), key), 4 * tolerance());
      EXPECT_TRUE(at::equal(pool[1][1][4 - row].reshape(-1), values(before)[row]));
    }
    EXPECT_EQ(pool.isnan().sum().item<std::int64_t>(), pool.numel() - 2 * 5 * kKvHeads * head_width)
        << "no other slot";
    EXPECT_LT(distance(queries.narrow(1, 0, kHeads * head_width),
                       expected.narrow(1, 0, kHeads * head_width)),
              4 * tolerance());

    at::Tensor wrong = before.clone();
    a.qkv = wrong.mutable_data_ptr();
    a.slots = nullptr;
    std::swap(a.cosine, a.sine);
    kKernelsOnCpu.rotate(a, nullptr);
    EXPECT_GT(distance(wrong, expected), 0.1) << "turned by other angles";
  }
}

TEST_P(RowOpsDevice, Silu) {
  at::Tensor gate_up = random({5, 2 * width()}, dtype());
  gate_up[0].fill_(-300); // exp(300) is beyond float32
  gate_up[1].fill_(300);
  at::Tensor out = nothing({5, width()}), expected = at::empty_like(out);
  const auto silu = [&](const at::Tensor& in) {
    kKernelsOnCpu.silu({element(), in.const_data_ptr(), out.mutable_data_ptr(), 5, narrow_width()},
                       nullptr);
  };
  silu(gate_up);
  reference::silu_multiply(gate_up, expected);
  EXPECT_LT(distance(out.narrow(0, 2, 3), expected.narrow(0, 2, 3)), 8 * tolerance());
  EXPECT_LT(distance(out[0], expected[0]), 1e-20);
  EXPECT_TRUE(at::equal(out[1], expected[1]));
  silu(at::cat({gate_up.narrow(1, width(), width()), gate_up.narrow(1, 0, width())}, 1));
  EXPECT_GT(distance(out.narrow(0, 2, 3), expected.narrow(0, 2, 3)), 0.1) << "the other way round";
}

TEST_P(RowOpsDevice, Embedding) {
  const at::Tensor table = random({13, width()}, dtype());
  const std::vector<std::int32_t> ids{12, 0, 5, 5};
  at::Tensor out = at::full({4, width()}, NAN);
  kKernelsOnCpu.embed({element(), table.const_data_ptr(), ids.data(), out.mutable_data_ptr<float>(),
                       4, narrow_width()},
                      nullptr);
  EXPECT_TRUE(at::equal(out, table.index_select(0, at::tensor(ids, at::kLong)).to(at::kFloat)));
}

TEST_P(RowOpsDevice, SlotCopies) {
  const std::int64_t kv_heads = 2, head_width = width() == 1152 ? 64 : width() == 90 ? 9 : 3;
  at::Tensor pool = random({2, 2, 20, kv_heads, head_width}, dtype());
  at::Tensor other = nothing({2, 2, 11, kv_heads, head_width});
  const auto copy = [&](std::int64_t from, std::int64_t to, std::int64_t slots) {
    return SlotCopy{pool[0][0][from].const_data_ptr(), other[0][0][to].mutable_data_ptr(),
                    pool.stride(1) * pool.element_size(), other.stride(1) * other.element_size(),
                    slots * pool.stride(2) * pool.element_size()};
  };
  const std::vector<SlotCopy> copies{copy(3, 0, 5), copy(19, 7, 1)};
  peakbench::testing::slot_copies_on_cpu(copies.data(), 2, 4);
  EXPECT_TRUE(at::equal(other.narrow(2, 0, 5), pool.narrow(2, 3, 5)));
  EXPECT_TRUE(at::equal(other.narrow(2, 7, 1), pool.narrow(2, 19, 1)));
  EXPECT_EQ(other.isnan().sum().item<std::int64_t>(), 2 * 2 * 5 * kv_heads * head_width)
      << "no other slot";
}

} // namespace
} // namespace peakbench::kernels
