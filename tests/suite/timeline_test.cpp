// `timeline: true`: what it adds to the records of every arm, and what it leaves as it is.
#include "suite/timeline.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "results/store.h"
#include "suite/eab_runner.h"
#include "suite/ep_runner.h"
#include "support/support.h"

namespace peakbench::suite {
namespace {

using results::PeakByTag;
using results::Timeline;
using results::TimelinePoint;

constexpr const char* kEp = "repeats: {warm_up: 1, min: 2, max: 2}\n"
                            "ep: {arms: [backprop, backprop_checkpoint, backprop_streamed, "
                            "truncated_backprop, ep_autograd, ep_manual, ep_finite_difference, "
                            "ep_analytic, ep_checkpoint, ep_batched, ep_sweep, "
                            "ep_sweep_checkpoint, ep_fused], "
                            "depths: 6, width: 12, batch: 4, steps: 3, optimizer: momentum}";

Config config_of(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
  at::set_num_threads(1);
  return parse_config(yaml, "test.yaml", overrides);
}

std::int64_t sum(const PeakByTag& bytes) {
  std::int64_t total = 0;
  for (const auto tag : results::kTagMembers)
    total += bytes.*tag;
  return total;
}

// The highest point is the record's peak, to the byte and tag by tag.
template <class Row>
bool is_of(const Timeline& timeline, const Row& row) {
  const TimelinePoint& peak = timeline.points.at(results::peak_of(timeline));
  for (const auto tag : results::kTagMembers)
    if (peak.by_tag.*tag != row.record.peak.*tag)
      return false;
  return peak.total == row.record.peak_bytes;
}

template <class Row>
void expect_timeline(const Row& row, const std::set<std::string>& phases) {
  SCOPED_TRACE(row.record.arm);
  ASSERT_EQ(row.record.status, "ok") << row.record.reason;
  EXPECT_EQ(row.record.validity, "VALID");
  const Timeline& timeline = row.trace.timeline;
  ASSERT_GE(timeline.points.size(), 4u);
  EXPECT_TRUE(is_of(timeline, row));
  EXPECT_EQ(row.record.timeline_peak_bytes, row.record.peak_bytes);
  EXPECT_GT(row.record.timeline_peak_seconds, 0);
  EXPECT_TRUE(phases.contains(row.record.timeline_peak_phase)) << row.record.timeline_peak_phase;
  for (const TimelinePoint& point : timeline.points)
    ASSERT_EQ(sum(point.by_tag), point.total);
  // Negative control: without what was live before the repeat, or a block, it is another's.
  Timeline other = timeline;
  for (TimelinePoint& point : other.points) {
    point.total -= 8;
    point.by_tag.workspace -= 8;
  }
  EXPECT_FALSE(is_of(other, row));
}

TEST(Timeline, PeakOfEveryEpArmIsTheReportedOne) {
  const Config config = config_of(kEp, {"timeline=true"});
  const Plan plan = make_plan(config);
  ASSERT_EQ(plan.ep.size(), 13u);
  for (const EpPlanned& planned : plan.ep) {
    const results::EpRow row = run_ep_case(planned, config, at::kCPU);
    expect_timeline(row, {"", "settling", "energy", "contrast", "update"});
    EXPECT_EQ(row.repeats.size(), 2u); // it is none of them
    EXPECT_FALSE(row.trace.gradient_norm.empty());
    // Weights are the case's own: they are there from the first point to the last.
    EXPECT_EQ(row.trace.timeline.points.front().by_tag.weights, row.record.weights_bytes);
    EXPECT_EQ(row.trace.timeline.points.back().by_tag.weights, row.record.weights_bytes);
  }
}

TEST(Timeline, PeakOfEveryEabArmIsTheReportedOne) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const Config config = config_of(
      fmt::format("repeats: {{warm_up: 0, min: 2, max: 2}}\n"
                  "timeline: true\n"
                  "eab: {{dtype: float32, prompt_format: raw, model: {}, "
                  "prompts: {{text: [Once upon a time]}}, max_new_tokens: 10, max_paths: 4}}",
                  (shared / "data/models/stories260k/stories260K.bin").string()));
  const Plan plan = make_plan(config);
  ASSERT_EQ(plan.eab.size(), 7u);
  EabRunner runner(plan, config, at::kCPU);
  for (const EabPlanned& planned : plan.eab) {
    const results::EabRow row = runner.run(planned);
    expect_timeline(row, {"prefill", "decode", "sampling"});
    EXPECT_EQ(row.repeats.size(), 2u);
    EXPECT_EQ(row.trace.timeline.points.front().total, 0); // beyond the weights
    EXPECT_EQ(row.trace.timeline.points.back().total, 0);
    std::set<std::string> seen;
    for (const TimelinePoint& point : row.trace.timeline.points)
      seen.insert(row.trace.timeline.phases.at(static_cast<std::size_t>(point.phase)));
    EXPECT_TRUE(seen.contains("prefill") && seen.contains("decode"));
  }
}

TEST(Timeline, IsNoPartOfThePlan) {
  const Config without = config_of(kEp), with = config_of(kEp, {"timeline=true"});
  EXPECT_FALSE(without.timeline);
  EXPECT_TRUE(with.timeline);
  const Plan one = make_plan(without), other = make_plan(with);
  EXPECT_EQ(one.hash, other.hash);
  EXPECT_EQ(one.cases.front().id, other.cases.front().id);
  EXPECT_GT(other.cases.front().cost_seconds, one.cases.front().cost_seconds);
  EXPECT_FALSE(workload_of(with, 2).timeline);
  EXPECT_THROW(config_of(kEp, {"timeline=often"}), UserError);

  const results::EpRow row = run_ep_case(one.ep.front(), without, at::kCPU);
  EXPECT_TRUE(row.trace.timeline.points.empty());
  EXPECT_EQ(row.record.timeline_peak_bytes, results::kAbsent);
  EXPECT_EQ(row.record.timeline_peak_phase, "");
}

// The case is measured by then: its time limit costs it the timeline only.
TEST(Timeline, TimeLimitLeavesTheRest) {
  results::EpRow row;
  row.record.peak_bytes = 7;
  measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU);
  add_timeline(row, memory, {}, [] { throw TimedOut("too late"); });
  EXPECT_TRUE(row.trace.timeline.points.empty());
  EXPECT_EQ(row.record.timeline_peak_bytes, results::kAbsent);
  EXPECT_THROW(add_timeline(row, memory, {}, [] { throw Interrupted("now"); }), Interrupted);
}

} // namespace
} // namespace peakbench::suite
