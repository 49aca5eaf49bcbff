// The trial loop: cold run, warm-up, repeats until the median's interval is narrow or time is up.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/deadline.h"
#include "base/statistics.h"
#include "measure/memory.h"

namespace peakbench::measure {

struct TrialPlan {
  int warm_up = 1;
  int min = 3;
  int max = 10;
  double interval = 0.05; // stop when Summary::relative_width() of the seconds is at most this
  double time_limit_seconds = 30; // of the repeats together; `min` repeats are always done
};

struct TrialSample {
  double seconds = 0;
  MemoryReading memory;
  std::int64_t resident_peak_bytes = 0;
  std::int64_t device_used_bytes = 0;
};

enum class StopReason { interval, max_repeats, time_limit };
std::string_view name_of(StopReason reason);

// Whether repeats that took `spent` seconds together are enough.
std::optional<StopReason> stop_of(const TrialPlan& plan, const Summary& seconds, double spent);

struct TrialResult {
  double cold_seconds = 0;          // the very first call, warm-up or not
  std::vector<TrialSample> samples; // warm-up excluded
  Summary seconds;
  StopReason stop = StopReason::max_repeats;
  bool memory_repeats = true;         // every sample has the same peak; must hold on the CPU
  const TrialSample& largest() const; // the sample with the greatest peak
};

// Calls `body` under a MemoryScope each time. The device is synchronized before the clock is read.
// `between` runs outside clock and scope, before every call (restoring state and the like).
TrialResult run_trials(const TrialPlan& plan, DeviceMemory& memory, const Deadline& deadline,
                       const std::function<void()>& body,
                       const std::function<void()>& between = {});

} // namespace peakbench::measure
