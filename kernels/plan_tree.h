// What a step's attention reads, from the paths' run lists.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/tree_attention_plan.h"

namespace peakbench::kernels {

// Neighbours that begin with the same slots share segments; paths in depth-first order of their
// tree therefore share all that they have in common. For one path there is one segment; dense
// paths share nothing.
TreeAttentionPlan plan_tree(std::span<const std::span<const SlotRun>> paths);

// The runs of one path, from its first token on.
std::vector<SlotRun> runs_of_path(const TreeAttentionPlan& plan, std::int32_t path);

} // namespace peakbench::kernels
