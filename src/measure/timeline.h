// Live bytes by tag over the time of one repeat, from the allocator's own events: where the peak is
// and what it is made of.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "measure/memory.h"

namespace peakbench::measure {

inline constexpr std::size_t kMostTimelinePoints = 2048; // 180 kB, whatever the number of events
inline constexpr std::size_t kMostTimelinePhases = 16;

struct TimelinePoint {
  double seconds = 0; // since the recording began; of the host, also where a device works behind it
  std::int64_t total = 0; // beyond what was live then
  TagBytes by_tag{};      // sums to total
  std::size_t phase = 0;  // of Timeline::phases
};

struct Timeline {
  // By time: the start, then the state after every event, the end at last. Of a long recording
  // every span of `span` events leaves one point, the first moment of its highest total: an upper
  // envelope, in which the peak keeps its exact moment and composition.
  std::vector<TimelinePoint> points;
  std::vector<std::string> phases; // the first one: before any mark
  std::int64_t events = 0;         // allocations and frees
  std::int64_t span = 1;
  std::size_t peak() const; // the first point of the highest total
};

// Not thread-safe: its ledger calls it with the lock held. After the construction it allocates
// nothing until finish().
class TimelineRecorder {
public:
  // `most` points between the first and the last one; even.
  explicit TimelineRecorder(std::size_t most = kMostTimelinePoints);
  void begin(const LiveBytes& live);
  void record(const LiveBytes& live); // after an event
  // What follows belongs to `phase`, a text that outlives the recorder. Of more than
  // kMostTimelinePhases the last ones go as "other".
  void mark(std::string_view phase, const LiveBytes& live);
  Timeline finish(const LiveBytes& live);

private:
  TimelinePoint point_of(const LiveBytes& live) const;
  void add(const LiveBytes& live);
  void thin();

  using Clock = std::chrono::steady_clock;
  std::size_t most_;
  Clock::time_point began_;
  LiveBytes start_;
  std::vector<TimelinePoint> points_; // of whole spans
  std::vector<std::string_view> phases_;
  std::size_t phase_ = 0;
  TimelinePoint highest_; // of the span under way
  std::int64_t in_span_ = 0, span_ = 1, events_ = 0;
};

// One call of `body` that is recorded, in a memory scope and after `between`, as run_trials() calls
// it. For a repeat beside the timed ones: looking takes time.
struct RecordedTimeline {
  Timeline timeline;
  MemoryReading memory; // its peak is the timeline's; on CUDA see README.md
};
RecordedTimeline record_timeline(DeviceMemory& memory, const std::function<void()>& body,
                                 const std::function<void()>& between = {});

} // namespace peakbench::measure
