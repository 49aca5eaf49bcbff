// Memory over time in a case's record: one repeat more, after the timed ones, in which the
// allocator's events are recorded (measure/timeline.h).
#pragma once

#include <functional>
#include <vector>

#include "base/deadline.h"
#include "ep/stages.h"
#include "measure/timeline.h"
#include "results/records.h"

namespace peakbench::suite {

// As it is stored. `base`, what the case holds when a repeat begins, is added to every point: for
// records whose peak counts it.
results::Timeline stored_timeline(const measure::Timeline& timeline,
                                  const measure::TagBytes& base = {});

// Runs `body` once, recorded, and puts the timeline and its peak into the row: the last that is
// done with a case, so that one that now runs into its time limit has all but the timeline.
template <class Row>
void add_timeline(Row& row, measure::DeviceMemory& memory, const measure::TagBytes& base,
                  const std::function<void()>& body, const std::function<void()>& between = {}) {
  try {
    row.trace.timeline =
        stored_timeline(measure::record_timeline(memory, body, between).timeline, base);
  } catch (const TimedOut&) {
    return;
  }
  const results::Timeline& timeline = row.trace.timeline;
  const results::TimelinePoint& peak = timeline.points[results::peak_of(timeline)];
  row.record.timeline_peak_bytes = peak.total;
  row.record.timeline_peak_seconds = peak.seconds;
  row.record.timeline_peak_phase = timeline.phases[static_cast<std::size_t>(peak.phase)];
}

// Marks the stages of a training step; what comes after the last one of a nest is "update".
class StageMarks final : public ep::StageWatch {
public:
  explicit StageMarks(measure::DeviceMemory& memory) : memory_(memory) {}
  void begin(ep::Stage stage) override;
  void end(ep::Stage stage) override;

private:
  measure::DeviceMemory& memory_;
  std::vector<ep::Stage> open_;
};

} // namespace peakbench::suite
