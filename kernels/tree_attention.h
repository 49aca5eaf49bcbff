// Attention of one decode step over token slots in a pool, without a dense copy of any path's cache.
//   out[p, h] = softmax(scale * q[p, h] . K[p]) V[p]
// K[p], V[p]: the tokens of path p = the run list `shared` (the same for all paths) followed by its
// own run list. The shared part is one matrix product over all queries; the own part is read through
// runs; both are merged exactly by log-sum-exp (online softmax, float32 accumulation).
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <span>
#include <vector>

namespace peakbench::kernels {

// `count` consecutive slots of one chunk of the pool.
struct SlotRun {
  std::int32_t chunk = 0;
  std::int32_t first = 0;
  std::int32_t count = 0;
};

// Which slots a step's paths read: built once a step, used by every layer.
struct TreeAttentionPlan {
  std::vector<SlotRun> shared;           // every path's common beginning
  std::vector<SlotRun> own;              // path after path
  std::vector<std::int32_t> own_begin;   // [paths + 1] into own
  std::int32_t paths() const { return static_cast<std::int32_t>(own_begin.size()) - 1; }
};

// query [paths, heads, head_width]; chunks: tensors [layers, 2, slots, kv_heads, head_width] (0 key,
// 1 value) of the query's type (float32, bfloat16, float16 on CUDA) and device; heads a multiple of
// kv_heads. Returns [paths, heads, head_width] of the same type.
at::Tensor tree_attention(const at::Tensor& query, std::span<const at::Tensor> chunks,
                          std::int64_t layer, const TreeAttentionPlan& plan, double scale);

// The oracle: gathers each path densely and computes in float64. Slow; for tests and checks.
at::Tensor tree_attention_reference(const at::Tensor& query, std::span<const at::Tensor> chunks,
                                    std::int64_t layer, const TreeAttentionPlan& plan, double scale);

}  // namespace peakbench::kernels
