#include "measure/timeline.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "measure/ledger.h"

namespace peakbench::measure {
namespace {

std::int64_t sum(const TagBytes& by_tag) {
  return std::accumulate(by_tag.begin(), by_tag.end(), std::int64_t{0});
}

at::Tensor bytes(std::int64_t count) { return at::empty({count}, at::kByte); }

// Two peaks: 900 of kv_cache and workspace, later 1000 that are mostly logits.
void two_peaks() {
  at::Tensor cache;
  {
    const TagScope tag(Tag::kv_cache);
    cache = bytes(400);
  }
  bytes(500);
  const TagScope tag(Tag::logits);
  bytes(600);
}

TEST(Timeline, PeakIsTheReportedPeakToTheByte) {
  DeviceMemory& memory = DeviceMemory::of(at::kCPU);
  const at::Tensor before = bytes(12345); // live before it begins: not in it
  const RecordedTimeline recorded = record_timeline(memory, two_peaks);
  const Timeline& timeline = recorded.timeline;
  ASSERT_EQ(timeline.events, 6);
  ASSERT_EQ(timeline.points.size(), 8u);
  std::vector<std::int64_t> totals;
  for (const TimelinePoint& point : timeline.points) {
    EXPECT_EQ(sum(point.by_tag), point.total);
    totals.push_back(point.total);
  }
  EXPECT_EQ(totals, (std::vector<std::int64_t>{0, 400, 900, 400, 1000, 400, 0, 0}));
  const TimelinePoint& peak = timeline.points[timeline.peak()];
  EXPECT_EQ(peak.total, recorded.memory.peak_bytes);
  EXPECT_EQ(peak.by_tag, recorded.memory.peak_by_tag);
  EXPECT_EQ(peak.by_tag[index_of(Tag::logits)], 600);
  EXPECT_TRUE(std::ranges::is_sorted(timeline.points, {}, &TimelinePoint::seconds));
}

TEST(Timeline, WithoutARecorderNothingIsRecorded) {
  DeviceMemory& memory = DeviceMemory::of(at::kCPU);
  TimelineRecorder recorder;
  {
    const MemoryScope scope(memory);
    memory.start_timeline(recorder);
    EXPECT_EQ(memory.stop_timeline().events, 0);
    two_peaks();
  }
  memory.start_timeline(recorder);
  EXPECT_THROW(memory.start_timeline(recorder), std::logic_error);
  EXPECT_EQ(memory.stop_timeline().points.size(), 2u); // start and end
  EXPECT_THROW(memory.stop_timeline(), std::logic_error);
}

TEST(Timeline, EndsWhereTheBodyThrows) {
  DeviceMemory& memory = DeviceMemory::of(at::kCPU);
  EXPECT_THROW(record_timeline(memory, [] { throw std::runtime_error("no"); }), std::runtime_error);
  EXPECT_EQ(record_timeline(memory, two_peaks).timeline.events, 6);
}

TEST(Timeline, TellsThePhaseOfThePeak) {
  DeviceMemory& memory = DeviceMemory::of(at::kCPU);
  memory.mark("nobody listens");
  const Timeline timeline = record_timeline(memory, [&] {
                              memory.mark("small");
                              bytes(10);
                              memory.mark("large");
                              bytes(1000);
                              memory.mark("small");
                              bytes(20);
                            }).timeline;
  EXPECT_THAT(timeline.phases, ::testing::ElementsAre("", "small", "large"));
  EXPECT_EQ(timeline.phases[timeline.points[timeline.peak()].phase], "large");
  EXPECT_EQ(timeline.events, 6); // marks are none
}

TEST(Timeline, PhasesAreBounded) {
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i)
    names.push_back(std::to_string(i));
  TimelineRecorder recorder;
  recorder.begin({});
  for (const std::string& name : names)
    recorder.mark(name, {});
  const Timeline timeline = recorder.finish({});
  ASSERT_EQ(timeline.phases.size(), kMostTimelinePhases);
  EXPECT_EQ(timeline.phases[kMostTimelinePhases - 2], "13");
  EXPECT_EQ(timeline.phases.back(), "other");
  EXPECT_EQ(timeline.points.back().phase, kMostTimelinePhases - 1);
}

// Random events through a ledger, and every state after them.
struct LongRun {
  Timeline timeline;
  MemoryReading memory;
  std::vector<LiveBytes> states;
};

LongRun long_run(int events, std::size_t most) {
  std::mt19937 random(11);
  LongRun run;
  Ledger ledger;
  TimelineRecorder recorder(most);
  const int scope = ledger.open_scope();
  ledger.start_timeline(recorder);
  std::vector<std::pair<std::int64_t, Tag>> blocks;
  for (int event = 0; event < events; ++event) {
    if (blocks.empty() || random() % 2 == 0) {
      blocks.emplace_back(random() % 1000, static_cast<Tag>(random() % kTagCount));
      ledger.add(blocks.back().first, blocks.back().second);
    } else {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      ledger.remove(blocks.back().first, blocks.back().second);
      blocks.pop_back();
    }
    run.states.push_back(ledger.live());
  }
  run.timeline = ledger.stop_timeline();
  run.memory = ledger.read_scope(scope);
  ledger.close_scope(scope);
  return run;
}

// Every point is the first highest state of its span of all states. `shifted`: the negative
// control, spans that are off by one event.
bool is_envelope(const LongRun& run, std::size_t shifted = 0) {
  const auto span = static_cast<std::size_t>(run.timeline.span);
  const std::vector<TimelinePoint>& points = run.timeline.points;
  for (std::size_t i = 1; i + 1 < points.size(); ++i) {
    const std::size_t first = (i - 1) * span + shifted;
    const std::size_t end = std::min(first + span, run.states.size());
    if (first >= end)
      return false;
    const auto highest =
        std::max_element(run.states.begin() + static_cast<std::ptrdiff_t>(first),
                         run.states.begin() + static_cast<std::ptrdiff_t>(end),
                         [](const LiveBytes& a, const LiveBytes& b) { return a.total < b.total; });
    if (points[i].total != highest->total || points[i].by_tag != highest->by_tag)
      return false;
  }
  return true;
}

TEST(Timeline, IsBoundedAndKeepsTheHighestOfEverySpan) {
  for (const int events : {15, 16, 17, 1000, 31234}) {
    SCOPED_TRACE(events);
    const LongRun run = long_run(events, 16);
    EXPECT_LE(run.timeline.points.size(), 16u + 3);
    EXPECT_EQ(run.timeline.events, events);
    EXPECT_EQ((run.timeline.points.size() - 2),
              (static_cast<std::size_t>(events + run.timeline.span - 1) /
               static_cast<std::size_t>(run.timeline.span)));
    EXPECT_TRUE(is_envelope(run));
    if (run.timeline.span > 1) {
      EXPECT_FALSE(is_envelope(run, 1));
    }
    const TimelinePoint& peak = run.timeline.points[run.timeline.peak()];
    EXPECT_EQ(peak.total, run.memory.peak_bytes);
    EXPECT_EQ(peak.by_tag, run.memory.peak_by_tag);
    EXPECT_EQ(run.timeline.points.back().total, run.states.back().total);
    EXPECT_TRUE(std::ranges::is_sorted(run.timeline.points, {}, &TimelinePoint::seconds));
  }
  EXPECT_THROW(TimelineRecorder(3), std::invalid_argument);
}

TEST(Timeline, TakesEventsFromManyThreads) {
  DeviceMemory& memory = DeviceMemory::of(at::kCPU);
  constexpr int kThreads = 4, kEach = 500;
  const RecordedTimeline recorded = record_timeline(memory, [] {
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread)
      threads.emplace_back([thread] {
        const TagScope tag(static_cast<Tag>(thread));
        for (int i = 0; i < kEach; ++i)
          bytes(1 + i);
      });
    for (std::thread& thread : threads)
      thread.join();
  });
  EXPECT_EQ(recorded.timeline.events, 2 * kThreads * kEach);
  const TimelinePoint& peak = recorded.timeline.points[recorded.timeline.peak()];
  EXPECT_EQ(peak.total, recorded.memory.peak_bytes);
  EXPECT_EQ(peak.by_tag, recorded.memory.peak_by_tag);
  EXPECT_EQ(recorded.timeline.points.back().total, 0);
}

} // namespace
} // namespace peakbench::measure
