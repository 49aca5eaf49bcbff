#include "measure/timeline.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace peakbench::measure {

std::size_t Timeline::peak() const {
  const auto highest = std::ranges::max_element(points, {}, &TimelinePoint::total);
  return static_cast<std::size_t>(highest - points.begin());
}

TimelineRecorder::TimelineRecorder(std::size_t most) : most_(most) {
  if (most < 2 || most % 2 != 0)
    throw std::invalid_argument("a timeline needs an even number of points");
  points_.reserve(most);
  phases_.reserve(kMostTimelinePhases);
}

void TimelineRecorder::begin(const LiveBytes& live) {
  start_ = live;
  began_ = Clock::now();
  points_.clear();
  phases_.assign(1, "");
  phase_ = 0;
  in_span_ = events_ = 0;
  span_ = 1;
}

TimelinePoint TimelineRecorder::point_of(const LiveBytes& live) const {
  TimelinePoint point;
  point.seconds = std::chrono::duration<double>(Clock::now() - began_).count();
  point.total = live.total - start_.total;
  for (std::size_t tag = 0; tag < kTagCount; ++tag)
    point.by_tag[tag] = live.by_tag[tag] - start_.by_tag[tag];
  point.phase = phase_;
  return point;
}

void TimelineRecorder::record(const LiveBytes& live) {
  ++events_;
  add(live);
}

void TimelineRecorder::add(const LiveBytes& live) {
  if (in_span_ == 0 || live.total - start_.total > highest_.total)
    highest_ = point_of(live);
  if (++in_span_ < span_)
    return;
  in_span_ = 0;
  points_.push_back(highest_);
  if (points_.size() == most_)
    thin();
}

void TimelineRecorder::thin() {
  for (std::size_t pair = 0; pair < most_ / 2; ++pair) {
    const TimelinePoint &one = points_[2 * pair], &next = points_[2 * pair + 1];
    points_[pair] = next.total > one.total ? next : one;
  }
  points_.resize(most_ / 2);
  span_ *= 2;
}

void TimelineRecorder::mark(std::string_view phase, const LiveBytes& live) {
  auto known = std::ranges::find(phases_, phase);
  if (known == phases_.end()) {
    if (phases_.size() < kMostTimelinePhases)
      phases_.push_back(phases_.size() + 1 < kMostTimelinePhases ? phase : "other");
    known = phases_.end() - 1;
  }
  phase_ = static_cast<std::size_t>(known - phases_.begin());
  add(live);
}

Timeline TimelineRecorder::finish(const LiveBytes& live) {
  Timeline timeline;
  timeline.points.reserve(points_.size() + 3);
  timeline.points.emplace_back();
  timeline.points.insert(timeline.points.end(), points_.begin(), points_.end());
  if (in_span_ > 0)
    timeline.points.push_back(highest_);
  timeline.points.push_back(point_of(live));
  timeline.phases.assign(phases_.begin(), phases_.end());
  timeline.events = events_;
  timeline.span = span_;
  return timeline;
}

namespace {

// Ends the recording, also where the body throws.
class Recording {
public:
  Recording(DeviceMemory& memory, TimelineRecorder& recorder) : memory_(memory) {
    memory_.start_timeline(recorder);
  }
  ~Recording() {
    if (running_)
      memory_.stop_timeline();
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  Timeline stop() {
    running_ = false;
    return memory_.stop_timeline();
  }

private:
  DeviceMemory& memory_;
  bool running_ = true;
};

} // namespace

RecordedTimeline record_timeline(DeviceMemory& memory, const std::function<void()>& body,
                                 const std::function<void()>& between) {
  if (between)
    between();
  memory.synchronize();
  TimelineRecorder recorder;
  const MemoryScope scope(memory);
  Recording recording(memory, recorder);
  body();
  memory.synchronize();
  RecordedTimeline result;
  result.timeline = recording.stop();
  result.memory = scope.read();
  return result;
}

} // namespace peakbench::measure
