// Timelines whose every figure can be told in advance.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "results/records.h"

namespace peakbench::report::testing {

// 100 MB of weights; at 0.5 s 300 MB of activations and 50 MB of workspace above them, the peak.
inline results::Timeline example_timeline() {
  results::Timeline timeline;
  timeline.phases = {"", "settling", "update"};
  timeline.events = 4;
  const auto add = [&](double seconds, std::int64_t weights, std::int64_t activations,
                       std::int64_t workspace, std::int32_t phase) {
    results::TimelinePoint point;
    point.seconds = seconds;
    for (const auto tag : results::kTagMembers)
      point.by_tag.*tag = 0;
    point.by_tag.weights = weights;
    point.by_tag.activations = activations;
    point.by_tag.workspace = workspace;
    point.total = weights + activations + workspace;
    point.phase = phase;
    timeline.points.push_back(point);
  };
  constexpr std::int64_t kMega = 1000000;
  add(0, 100 * kMega, 0, 0, 0);
  add(0.25, 100 * kMega, 300 * kMega, 0, 1);
  add(0.5, 100 * kMega, 300 * kMega, 50 * kMega, 1);
  add(0.75, 100 * kMega, 0, 50 * kMega, 2);
  add(1, 100 * kMega, 0, 0, 2);
  return timeline;
}

// What a run writes beside it.
template <class Record>
void set_timeline_peak(Record& record, const results::Timeline& timeline) {
  const results::TimelinePoint& peak = timeline.points[results::peak_of(timeline)];
  record.peak_bytes = record.timeline_peak_bytes = peak.total;
  record.peak = peak.by_tag;
  record.timeline_peak_seconds = peak.seconds;
  record.timeline_peak_phase = timeline.phases[static_cast<std::size_t>(peak.phase)];
}

} // namespace peakbench::report::testing
