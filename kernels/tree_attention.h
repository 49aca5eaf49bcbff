// Attention of one decode step over token slots in a pool, without a dense copy of any path's
// cache.
//   out[p, h] = softmax(scale * q[p, h] . K[p]) V[p]
// K[p], V[p]: the tokens of path p = the run list `shared` (the same for all paths) followed by its
// own run list. The shared part is one matrix product over all queries; the own part is read
// through runs; both are merged exactly by log-sum-exp (online softmax, float32 accumulation).
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <span>

#include "kernels/tree_attention_plan.h"

namespace peakbench::kernels {

// query [paths, heads, head_width]; chunks: tensors [layers, 2, slots, kv_heads, head_width] (0
// key, 1 value) of the query's type (float32, bfloat16, float16 on CUDA) and device; heads a
// multiple of kv_heads. Returns [paths, heads, head_width] of the same type.
at::Tensor tree_attention(const at::Tensor& query, std::span<const at::Tensor> chunks,
                          std::int64_t layer, const TreeAttentionPlan& plan, double scale);

// The oracle: gathers each path densely and computes in float64. Slow; for tests and checks.
at::Tensor tree_attention_reference(const at::Tensor& query, std::span<const at::Tensor> chunks,
                                    std::int64_t layer, const TreeAttentionPlan& plan,
                                    double scale);

} // namespace peakbench::kernels
