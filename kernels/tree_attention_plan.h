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

struct DevicePlan;

// Built once a step, used by every layer.
struct TreeAttentionPlan {
  std::vector<SlotRun> shared;         // every path's common beginning
  std::vector<SlotRun> own;            // path after path
  std::vector<std::int32_t> own_begin; // [paths + 1] into own
  // The lists on the GPU, made by the first call there. Reset it when the lists change.
  mutable std::shared_ptr<const DevicePlan> device;

  std::int32_t paths() const { return static_cast<std::int32_t>(own_begin.size()) - 1; }
};

} // namespace peakbench::kernels
