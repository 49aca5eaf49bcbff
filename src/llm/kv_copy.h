// Moving keys and values into and between slots.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <span>

#include "kernels/tree_attention_plan.h"

namespace peakbench::llm {

// Row after row of key and value [rows, kv_heads, head_width] into one layer of `slots`.
void write_slots(std::span<const at::Tensor> chunks, std::int64_t layer,
                 std::span<const kernels::SlotRun> slots, const at::Tensor& key,
                 const at::Tensor& value);

// Keys and values of every layer, slot by slot; both lists hold as many slots.
void copy_slots(std::span<const at::Tensor> chunks, std::span<const kernels::SlotRun> from,
                std::span<const kernels::SlotRun> to);

} // namespace peakbench::llm
