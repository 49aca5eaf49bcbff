#include "llm/linear.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include "measure/memory.h"

namespace peakbench::llm {
namespace {

at::Tensor random(at::IntArrayRef sizes, at::ScalarType dtype, std::uint64_t seed) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed), at::kFloat).to(dtype);
}

double relative_distance(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor difference = a.to(at::kDouble) - b.to(at::kDouble);
  return difference.abs().max().item<double>() / b.abs().max().item<double>();
}

double tolerance(at::ScalarType dtype) { return dtype == at::kFloat ? 1e-5 : 1e-2; }

TEST(Linear, EqualsTheProductInDoublePrecision) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16})
    for (const bool pack : {false, true})
      for (const std::int64_t rows : {1, 3, 20, 200}) {
        const at::Tensor weight = random({96, 72}, dtype, 1), bias = random({96}, dtype, 2),
                         x = random({rows, 72}, dtype, 3);
        const at::Tensor right = at::linear(x.to(at::kDouble), weight.to(at::kDouble));
        const Linear plain(weight, {}, pack), biased(weight, bias, pack);
        EXPECT_LT(relative_distance(plain(x), right), tolerance(dtype)) << rows << pack;
        EXPECT_EQ(plain(x).scalar_type(), dtype);
        EXPECT_LT(relative_distance(biased(x), right + bias.to(at::kDouble)), tolerance(dtype));
        EXPECT_GT(relative_distance(biased(x), right), 4 * tolerance(dtype)) << "no bias";
      }
}

// In 16 bits the head works block by block; the last block is not full.
TEST(OutputHead, EqualsTheProductInDoublePrecision) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16})
    for (const bool shared : {false, true}) {
      const at::Tensor weight = random({20000, 24}, dtype, 1), x = random({5, 24}, dtype, 2);
      const OutputHead head(weight, shared);
      const at::Tensor logits = head(x);
      EXPECT_EQ(logits.scalar_type(), at::kFloat);
      const at::Tensor right = at::linear(x.to(at::kDouble), weight.to(at::kDouble));
      EXPECT_LT(relative_distance(logits, right), tolerance(dtype));
      EXPECT_GT(relative_distance(logits.roll(8192, 1), right), 0.1) << "blocks in another order";
      EXPECT_EQ(head.bytes(), shared ? 0 : static_cast<std::int64_t>(weight.nbytes()));
    }
}

TEST(Linear, PackingKeepsNoSecondCopy) {
  const auto& memory = measure::DeviceMemory::of(at::kCPU);
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const std::int64_t before = memory.live().total;
    std::int64_t plain = 0;
    at::Tensor weight = random({128, 256}, dtype, 1);
    plain = static_cast<std::int64_t>(weight.nbytes());
    const Linear linear(std::move(weight), {}, true);
    EXPECT_EQ(linear.bytes(), plain);
    EXPECT_LE(memory.live().total - before, plain + 4096);
    EXPECT_GE(memory.live().total - before, plain) << "packed memory is seen, too";
  }
}

} // namespace
} // namespace peakbench::llm
