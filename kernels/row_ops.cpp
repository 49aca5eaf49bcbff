#include "kernels/row_ops.h"

#include <ATen/ATen.h>

namespace peakbench::kernels {

void add_rms_norm(at::Tensor& residual, const std::optional<at::Tensor>& delta,
                  const at::Tensor& weight, double epsilon, at::Tensor& out) {
  if (delta)
    residual.add_(*delta);
  const at::Tensor scale = residual.square().mean(-1, true).add_(epsilon).rsqrt_();
  out.copy_(residual.mul(scale).mul_(weight));
}

void rotate_heads(at::Tensor& qkv, const HeadRotation& r) {
  const std::int64_t positions = r.table.size(1), half = r.head_width / 2;
  const std::int64_t turned = (r.heads + r.kv_heads) * r.head_width;
  at::Tensor heads =
      qkv.narrow(1, 0, turned).view({-1, positions, r.heads + r.kv_heads, r.head_width});
  at::Tensor values = heads.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  const auto normalise = [&](std::int64_t first, std::int64_t count, const at::Tensor& weight) {
    if (!weight.defined())
      return;
    at::Tensor part = values.narrow(2, first, count);
    part.mul_(part.square().mean(-1, true).add_(r.epsilon).rsqrt_()).mul_(weight);
  };
  normalise(0, r.heads, r.query_norm);
  normalise(r.heads, r.kv_heads, r.key_norm);
  const at::Tensor cosine = r.table[0].unsqueeze(1), sine = r.table[1].unsqueeze(1);
  const at::Tensor low = values.narrow(3, 0, half), high = values.narrow(3, half, half);
  heads.narrow(3, 0, half).copy_(low * cosine - high * sine);
  heads.narrow(3, half, half).copy_(high * cosine + low * sine);
}

void silu_multiply(const at::Tensor& gate_up, at::Tensor& out) {
  const std::int64_t width = gate_up.size(1) / 2;
  const at::Tensor gate = gate_up.narrow(1, 0, width).to(at::kFloat);
  out.copy_(at::silu(gate).mul_(gate_up.narrow(1, width, width)));
}

} // namespace peakbench::kernels
