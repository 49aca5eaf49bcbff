#include "llm/kv_prefill.h"

#include <ATen/ATen.h>

namespace peakbench::llm {

at::Tensor causal_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            std::int64_t tokens, double scale) {
  const std::int64_t heads = query.size(1), kv_heads = key.size(1), head_width = query.size(2);
  const std::int64_t group = heads / kv_heads;
  at::Tensor out = at::empty({query.size(0), heads, head_width}, query.options());
  for (std::int64_t first = 0; first < query.size(0); first += tokens) {
    // The kv heads as the batch and the group as the heads, with a stride of 0 for key and value:
    // the fused kernels want as many heads in all three, and nothing is repeated in memory.
    const at::Tensor q = // [kv_heads, group, tokens, head_width]
        query.narrow(0, first, tokens).unflatten(1, {kv_heads, group}).permute({1, 2, 0, 3});
    const auto spread = [&](const at::Tensor& rows) {
      return rows.narrow(0, first, tokens)
          .transpose(0, 1)
          .unsqueeze(1)
          .expand({kv_heads, group, tokens, head_width});
    };
    const at::Tensor result =
        at::scaled_dot_product_attention(q, spread(key), spread(value), {}, 0.0,
                                         /*is_causal=*/true, scale);
    out.narrow(0, first, tokens)
        .unflatten(1, {kv_heads, group})
        .copy_(result.permute({2, 0, 1, 3}));
  }
  return out;
}

} // namespace peakbench::llm
