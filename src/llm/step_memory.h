// What the decode steps of a store work in on a GPU: plain tensors, made when first needed, kept
// from step to step as long as the store lives, and counted like all others. Steps that are
// replayed as CUDA graphs allocate nothing, so nothing of theirs escapes the accounting.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <vector>

#include "llm/config.h"

namespace peakbench::llm {

// A step is computed for as many rows as the next of these, so that a few graphs serve all; beyond
// them, for a multiple of 32.
std::int64_t padded_rows(std::int64_t paths);

struct StepMemory {
  std::int64_t rows = 0, input_bytes = 0, partial_floats = 0; // there is room for
  // Views of one block, each [rows, ...]:
  at::Tensor residual;        // float32 [rows, width]
  at::Tensor normed, added;   // [rows, width]
  at::Tensor qkv;             // [rows, (heads + 2 kv_heads) * head_width]
  at::Tensor mixed;           // [rows, heads * head_width]
  at::Tensor gate_up, hidden; // [rows, 2 mlp_width], [rows, mlp_width]
  at::Tensor logits;          // float32 [rows, vocabulary]
  at::Tensor host, inputs;    // bytes: what a step is told, here (pinned) and on the device
  at::Tensor partials;        // float32: partial results of attention
  at::Tensor beside;          // bytes: see keep_beside()

  // Room for at least so much; what there is stays where it is if it suffices.
  void make_room(const ModelConfig& config, at::ScalarType dtype, at::Device device,
                 std::int64_t rows_wanted, std::int64_t bytes_wanted, std::int64_t floats_wanted);
  // Counts bytes that the steps take where the allocator does not show it (StepGraphs::run): as
  // many are allocated, and used by nobody. None are expected.
  void keep_beside(at::Device device, std::int64_t bytes);
  // The same for fewer rows: the beginnings of everything.
  StepMemory first_rows(std::int64_t count) const;
  // Where everything lies: steps with equal ones do the same, to the same addresses.
  std::vector<std::uintptr_t> addresses() const;
};

} // namespace peakbench::llm
