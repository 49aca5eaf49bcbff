// CUDA version of tree_attention, behind tree_attention.h.
#pragma once

#include <c10/core/Device.h>

#include <cstddef>

#include "kernels/tree_attention_internal.h"

namespace peakbench::kernels {

// Runs on the current stream of the device; chunks is how many arguments.chunks there are.
void tree_attention_cuda(const TreeAttentionArguments& arguments, const TreeAttentionPlan& plan,
                         std::size_t chunks, c10::Device device);

} // namespace peakbench::kernels
