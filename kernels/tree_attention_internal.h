// What the CPU and the CUDA version of tree_attention are given: plain pointers, no LibTorch.
#pragma once

#include <cstdint>

#include "kernels/tree_attention_plan.h"

namespace peakbench::kernels {

enum class Element : std::int32_t { float32, bfloat16, float16 };

// A chunk of the pool, [layers, 2, slots, kv_heads, head_width].
struct ChunkView {
  const void* base = nullptr;
  std::int64_t slots = 0;
  friend bool operator==(const ChunkView& a, const ChunkView& b) {
    return a.base == b.base && a.slots == b.slots;
  }
};

struct TreeAttentionArguments {
  Element element = Element::float32;
  const void* query = nullptr; // [paths, heads, head_width]
  void* out = nullptr;         // [paths, heads, head_width]
  std::int64_t paths = 0, heads = 0, kv_heads = 0, head_width = 0;
  float scale = 1;
  const ChunkView* chunks = nullptr;
  std::int64_t layer = 0;

  std::int64_t group() const { return heads / kv_heads; }
  std::int64_t slot_stride() const { return kv_heads * head_width; }
};

// Scratch of the CPU version in floats, for one thread.
std::int64_t tree_attention_cpu_scratch(const TreeAttentionArguments& arguments,
                                        const TreeAttentionPlan& plan);
// Independent pieces of work, done by tree_attention_cpu over [begin, end).
std::int64_t tree_attention_cpu_tasks(const TreeAttentionArguments& arguments);
void tree_attention_cpu(const TreeAttentionArguments& arguments, const TreeAttentionPlan& plan,
                        std::int64_t begin, std::int64_t end, float* scratch);

} // namespace peakbench::kernels
