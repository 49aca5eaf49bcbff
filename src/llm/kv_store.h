// The KV cache of a set of paths behind one interface. `dense` and `shared` differ in one thing:
// what fork() does (deep copy of every token, or copy of the id list and reference counts). Both
// keep tokens in a pool of slots grown in chunks, so memory and attention are the same code.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <memory>
#include <span>

#include "kernels/tree_attention_plan.h"
#include "llm/config.h"

namespace peakbench::llm {

using PathId = std::int32_t;

enum class KvKind { dense, shared };

struct KvUsage {
  std::int64_t logical_bytes = 0;  // sum of path lengths x bytes per token
  std::int64_t physical_bytes = 0; // allocated by the pool
  std::int64_t bound_bytes = 0;    // unique live tokens x bytes per token: no store can hold less
};

struct KvStatistics {
  KvUsage now;
  KvUsage peak;                  // each one's own high-water mark
  std::int64_t copied_bytes = 0; // by fork, in total
  std::int64_t forks = 0;
};

// What a step reads and writes, for kernels that do both themselves.
struct KvStep {
  std::span<const at::Tensor> chunks; // [layers, 2, slots, kv_heads, head_width] each, or undefined
  std::span<const kernels::SlotRun> new_slots; // where its tokens go, row after row
  const kernels::TreeAttentionPlan& plan;      // what its queries read
};

struct StepMemory;

class KvStore {
public:
  virtual ~KvStore() = default;

  virtual PathId create() = 0; // an empty path
  virtual PathId fork(PathId parent) = 0;
  virtual void release(PathId path) = 0; // frees at once what only it held
  virtual std::int64_t length(PathId path) const = 0;

  // Begins a step in which each of `paths` gets `tokens` new tokens: makes room, and fixes what
  // attention() of every layer will read. A path may appear once.
  virtual void reserve(std::span<const PathId> paths, std::int64_t tokens) = 0;
  // Writes one layer's new keys and values, both [paths * tokens, kv_heads, head_width].
  virtual void append(std::int64_t layer, const at::Tensor& key, const at::Tensor& value) = 0;
  // Causal attention of the step's queries [paths * tokens, heads, head_width] over everything
  // their path holds, the step's own tokens included; same shape and type back.
  virtual at::Tensor attention(std::int64_t layer, const at::Tensor& query) = 0;

  // The step of one token per path that reserve() began, in place of append() and attention().
  virtual KvStep step() const = 0;
  // What steps on a GPU work in, kept for them as long as the store.
  std::shared_ptr<StepMemory>& step_memory() { return step_memory_; }

  virtual KvStatistics statistics() const = 0;

private:
  std::shared_ptr<StepMemory> step_memory_;
};

std::unique_ptr<KvStore> make_kv_store(KvKind kind, const ModelConfig& config, at::ScalarType dtype,
                                       at::Device device);

} // namespace peakbench::llm
