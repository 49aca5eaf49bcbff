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

// As it is stored. `base`, what was live before the recording began, is added to every point: for
// records whose peak counts it.
results::Timeline stored_timeline(const measure::Timeline& timeline,
                                  const measure::TagBytes& base = {});

// Runs `body` once, recorded, and puts the timeline and its peak into the row. The case is measured
// by then: if it now runs into its time limit, it has no timeline, and all the rest.
// `live_before`: what is not the case's own; null: what is live when the body begins.
template <class Row>
void add_timeline(Row& row, measure::DeviceMemory& memory, const measure::LiveBytes* live_before,
                  const std::function<void()>& body, const std::function<void()>& between = {}) {
  try {
    const measure::RecordedTimeline recorded = measure::record_timeline(memory, body, between);
    measure::TagBytes base{};
    for (std::size_t tag = 0; live_before && tag < base.size(); ++tag)
      base[tag] = recorded.memory.start.by_tag[tag] - live_before->by_tag[tag];
    row.trace.timeline = stored_timeline(recorded.timeline, base);
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
