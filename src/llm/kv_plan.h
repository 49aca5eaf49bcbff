// What a step's attention reads, from the paths' run lists.
#pragma once

#include <span>

#include "kernels/tree_attention_plan.h"

namespace peakbench::llm {

// The slots that all paths begin with become the plan's shared part, the rest of each path its own.
// For one path everything is shared; for paths that share no slot, nothing.
kernels::TreeAttentionPlan plan_attention(std::span<const std::span<const kernels::SlotRun>> paths);

} // namespace peakbench::llm
