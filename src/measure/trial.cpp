#include "measure/trial.h"

#include <algorithm>
#include <chrono>
#include <stdexcept>

#include "measure/process_memory.h"

namespace peakbench::measure {

namespace {

TrialSample run_once(DeviceMemory& memory, const std::function<void()>& body,
                     const std::function<void()>& between) {
  using Clock = std::chrono::steady_clock;
  if (between)
    between();
  memory.synchronize();
  reset_resident_peak();

  TrialSample sample;
  const MemoryScope scope(memory);
  const Clock::time_point start = Clock::now();
  body();
  memory.synchronize();
  sample.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  sample.memory = scope.read();
  sample.resident_peak_bytes = resident_peak_bytes();
  sample.device_used_bytes = memory.device_used_bytes();
  return sample;
}

Summary seconds_of(const std::vector<TrialSample>& samples) {
  std::vector<double> seconds;
  seconds.reserve(samples.size());
  for (const TrialSample& sample : samples)
    seconds.push_back(sample.seconds);
  return summarize(seconds);
}

} // namespace

std::string_view name_of(StopReason reason) {
  switch (reason) {
  case StopReason::interval:
    return "interval";
  case StopReason::max_repeats:
    return "max_repeats";
  case StopReason::time_limit:
    return "time_limit";
  }
  throw std::logic_error("unknown stop reason");
}

std::optional<StopReason> stop_of(const TrialPlan& plan, const Summary& seconds, double spent) {
  if (seconds.count < plan.min)
    return std::nullopt;
  // One repeat alone has no interval.
  if (seconds.count > 1 && seconds.relative_width() <= plan.interval)
    return StopReason::interval;
  if (seconds.count >= plan.max)
    return StopReason::max_repeats;
  if (spent >= plan.time_limit_seconds)
    return StopReason::time_limit;
  return std::nullopt;
}

const TrialSample& TrialResult::largest() const {
  return *std::max_element(samples.begin(), samples.end(),
                           [](const TrialSample& one, const TrialSample& other) {
                             return one.memory.peak_bytes < other.memory.peak_bytes;
                           });
}

TrialResult run_trials(const TrialPlan& plan, DeviceMemory& memory, const Deadline& deadline,
                       const std::function<void()>& body, const std::function<void()>& between) {
  if (plan.warm_up < 0 || plan.min < 1 || plan.max < plan.min)
    throw std::invalid_argument("a trial needs warm_up >= 0 and 1 <= min <= max");
  // Every case starts from the same state of the allocator, whatever ran before it.
  memory.release_unused();

  TrialResult result;
  for (int call = 0; call < plan.warm_up; ++call) {
    deadline.check();
    const TrialSample sample = run_once(memory, body, between);
    if (call == 0)
      result.cold_seconds = sample.seconds;
  }

  for (double spent = 0;;) {
    deadline.check();
    result.samples.push_back(run_once(memory, body, between));
    const TrialSample& sample = result.samples.back();
    spent += sample.seconds;
    result.seconds = seconds_of(result.samples);
    if (sample.memory.peak_bytes != result.samples.front().memory.peak_bytes)
      result.memory_repeats = false;
    if (const auto stop = stop_of(plan, result.seconds, spent)) {
      result.stop = *stop;
      break;
    }
  }
  if (plan.warm_up == 0)
    result.cold_seconds = result.samples.front().seconds;
  return result;
}

} // namespace peakbench::measure
