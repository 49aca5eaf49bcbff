// The memory of a KV store: token slots in chunks, with a reference count each.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "kernels/tree_attention_plan.h"
#include "llm/config.h"

namespace peakbench::llm {

using kernels::SlotRun;

// Adds `run` to the end of the list, as part of its last run where it continues that.
void append_run(std::vector<SlotRun>& runs, const SlotRun& run);
std::int64_t tokens_of(std::span<const SlotRun> runs);

class SlotPool {
public:
  SlotPool(const ModelConfig& config, at::ScalarType dtype, at::Device device);

  // Makes room for `slots` more, so that take() of them cannot fail. The first growth is exact, a
  // later one at least kGrowthPercent of what is there: more free slots would be memory that nobody
  // needs.
  void make_room(std::int64_t slots);
  // Appends `slots` free slots to `runs`, lowest first, each with one reference.
  void take(std::int64_t slots, std::vector<SlotRun>& runs);
  void retain(std::span<const SlotRun> runs);
  // Frees what has no reference left, and returns chunks to the allocator when more than half of
  // the pool is free.
  void release(std::span<const SlotRun> runs);
  // Throws c10::Error if a slot is free or has a second holder: only its single holder may write
  // it.
  void check_writable(std::span<const SlotRun> runs) const;

  // [layers, 2, slots, kv_heads, head_width] each; undefined where a chunk was returned.
  std::span<const at::Tensor> chunks() const { return tensors_; }
  std::int64_t slots() const { return slots_; }
  std::int64_t free_slots() const { return free_slots_; }
  std::int64_t used_slots() const { return slots_ - free_slots_; }
  std::int64_t bytes_per_slot() const { return bytes_per_slot_; }
  std::int32_t references(std::int32_t chunk, std::int32_t slot) const;

  static constexpr std::int64_t kGrowthPercent = 3;

private:
  struct Chunk {
    std::vector<std::int32_t> references;
    std::map<std::int32_t, std::int32_t> free; // first -> count, never touching each other
    std::int32_t free_slots = 0;
  };
  void grow(std::int64_t slots);
  void free_run(Chunk& chunk, std::int32_t first, std::int32_t count);
  void return_chunks();

  std::vector<std::int64_t> shape_; // of a chunk, with slots = 0
  at::TensorOptions options_;
  std::int64_t bytes_per_slot_;
  std::vector<at::Tensor> tensors_;
  std::vector<Chunk> chunks_;
  std::int64_t slots_ = 0, free_slots_ = 0;
};

} // namespace peakbench::llm
