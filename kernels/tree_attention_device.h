// What the CUDA kernels of tree_attention are launched with: device pointers, no LibTorch.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/tree_attention_internal.h"

namespace peakbench::kernels {

// A piece of work of the first kernel: some tokens of one run list for the queries that read them.
struct DeviceSplit {
  std::int32_t first_run;   // of the list
  std::int32_t last_run;    // one past
  std::int32_t first_token; // counted along the list, as DeviceRun::start does
  std::int32_t last_token;  // one past
  std::int32_t first_path;
  std::int32_t paths;
  std::int32_t index; // which of its paths' partial results this becomes
};

struct DeviceRun {
  std::int32_t start; // tokens of the list before this run
  std::int32_t chunk;
  std::int32_t first; // slot
};

struct DeviceArguments {
  TreeAttentionArguments tree; // query, out and chunks point to device memory
  const DeviceRun* runs = nullptr;
  const DeviceSplit* splits = nullptr;
  std::int32_t split_count = 0;
  const std::int32_t* partials_of_path = nullptr; // [paths]
  // Partial results: [partials, paths, heads] each, and with head_width for the sums.
  float* highest = nullptr;
  float* total = nullptr;
  float* sums = nullptr;
};

// Tokens that a split has at most: enough blocks for a whole GPU, long enough to be worth a merge.
constexpr std::int32_t kSplitTokens = 256;
// Queries (paths x heads of a group) that a block of the first kernel takes.
constexpr std::int32_t kBlockRows = 16;

// most_paths: of any split. Error of the launches, cudaSuccess normally.
cudaError_t launch_tree_attention(const DeviceArguments& arguments, std::int32_t most_paths,
                                  cudaStream_t stream);

} // namespace peakbench::kernels
