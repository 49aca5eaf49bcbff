// Which slots a step's paths read; no LibTorch here, so that kernels can include it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace peakbench::kernels {

// `count` consecutive slots of one chunk of the pool.
struct SlotRun {
  std::int32_t chunk = 0;
  std::int32_t first = 0;
  std::int32_t count = 0;
  friend bool operator==(const SlotRun& a, const SlotRun& b) { // nvcc's C++17 has no default
    return a.chunk == b.chunk && a.first == b.first && a.count == b.count;
  }
};

// Tokens that some neighbouring paths of the step have in common, up to where they part.
struct TreeSegment {
  std::int32_t first_run = 0, runs = 0;     // of TreeAttentionPlan::runs
  std::int32_t first_path = 0, paths = 0;   // that read it
  std::int32_t first_token = 0, tokens = 0; // counted along those paths; 0 tokens: a path ends here
  std::int32_t end = 0; // the segments from the next one up to this one lie below it
};

struct DevicePlan;

// The forest of tokens that a step reads, every token once however many paths hold it. Built once a
// step, used by every layer.
struct TreeAttentionPlan {
  std::vector<SlotRun> runs;
  // Depth first, in the order of the paths: the segments that hold a path are, in this order, its
  // tokens. Roots may be many.
  std::vector<TreeSegment> segments;
  std::int32_t paths = 0;
  // The lists on the GPU, made by the first call there. Reset it when the lists change.
  mutable std::shared_ptr<const DevicePlan> device;
};

} // namespace peakbench::kernels
