// The small operations between a transformer's matrix products, each one pass over its rows.
// Statistics and the residual stream are float32; T is the compute type (float32, bfloat16,
// float16).
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <optional>

namespace peakbench::kernels {

// residual (float32) [rows, width] += delta (T) if there is one; out (T) = residual / rms(residual)
// * weight (float32 [width]).
void add_rms_norm(at::Tensor& residual, const std::optional<at::Tensor>& delta,
                  const at::Tensor& weight, double epsilon, at::Tensor& out);

// What rotate_heads does to the rows of a fused q, k, v product.
struct HeadRotation {
  std::int64_t heads = 0, kv_heads = 0, head_width = 0;
  at::Tensor query_norm = {}, key_norm = {}; // float32 [head_width], undefined without
  double epsilon = 0;
  at::Tensor table =
      {}; // float32 [2, positions, head_width / 2]: cosines, sines; row r is at r % positions
};
// qkv (T) [rows, (heads + 2 kv_heads) * head_width], in place: q and k heads are normalised where
// there is a weight, then rotated by half-split pairs.
void rotate_heads(at::Tensor& qkv, const HeadRotation& rotation);

// out (T) [rows, width] = silu(gate) * up of gate_up (T) [rows, 2 width].
void silu_multiply(const at::Tensor& gate_up, at::Tensor& out);

// The same by plain LibTorch calls, on any device: the oracle of the other versions.
namespace reference {
void add_rms_norm(at::Tensor& residual, const std::optional<at::Tensor>& delta,
                  const at::Tensor& weight, double epsilon, at::Tensor& out);
void rotate_heads(at::Tensor& qkv, const HeadRotation& rotation);
void silu_multiply(const at::Tensor& gate_up, at::Tensor& out);
} // namespace reference

} // namespace peakbench::kernels
