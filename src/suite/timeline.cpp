#include "suite/timeline.h"

#include "suite/outcome.h"

namespace peakbench::suite {

results::Timeline stored_timeline(const measure::Timeline& timeline,
                                  const measure::TagBytes& base) {
  results::Timeline stored;
  stored.phases = timeline.phases;
  stored.events = timeline.events;
  stored.span = timeline.span;
  stored.points.reserve(timeline.points.size());
  for (const measure::TimelinePoint& point : timeline.points) {
    std::int64_t total = point.total;
    measure::TagBytes by_tag = point.by_tag;
    for (std::size_t tag = 0; tag < base.size(); ++tag) {
      by_tag[tag] += base[tag];
      total += base[tag];
    }
    stored.points.push_back(
        {point.seconds, total, peak_by_tag(by_tag), static_cast<std::int32_t>(point.phase)});
  }
  return stored;
}

namespace {
std::string_view name_of(ep::Stage stage) {
  return ep::kStageNames[static_cast<std::size_t>(stage)];
}
} // namespace

void StageMarks::begin(ep::Stage stage) {
  open_.push_back(stage);
  memory_.mark(name_of(stage));
}

void StageMarks::end(ep::Stage) {
  open_.pop_back();
  memory_.mark(open_.empty() ? "update" : name_of(open_.back()));
}

} // namespace peakbench::suite
