// Causal attention among the tokens of one step, for prefill.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>

namespace peakbench::llm {

// query [paths * tokens, heads, head_width], key and value [paths * tokens, kv_heads, head_width];
// every path sees its own tokens only. Returns the query's shape. Never makes a [tokens, tokens]
// matrix.
at::Tensor causal_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                            std::int64_t tokens, double scale);

} // namespace peakbench::llm
