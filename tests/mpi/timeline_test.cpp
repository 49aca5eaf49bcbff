// `run --timeline` as a user types it: on two ranks, in processes beside them, and gone on with.
#include <gmock/gmock.h>

#include "launcher.h"
#include "results/store.h"
#include "support/support.h"

namespace peakbench::testing {
namespace {

using ::testing::HasSubstr;

constexpr const char* kCases = R"(
name: t
repeats: {warm_up: 0, min: 2, max: 2}
device: cpu
cluster: {threads: 1, isolate: process}
ep: {arms: [backprop, ep_autograd, ep_fused], depths: [2, 4], width: 16, batch: 4, steps: 4}
)";

TEST(TimelineRun, ReachesTheFileFromEveryRankAndIsNoPartOfThePlan) {
  const ScratchFolder scratch;
  write_file(scratch / "c.yaml", kCases);
  const std::string config = scratch / "c.yaml", out = scratch / "t.h5";
  const Ended planned = run_program(0, {"run", config, "--timeline", "--dry-run"});
  EXPECT_THAT(planned.output, HasSubstr("one repeat more of every case"));

  // Some of the cases without it, the others with it: one plan, one file.
  ASSERT_EQ(run_program(2, {"run", config, "--out", out, "--part", "1/2"}).status, 0);
  const std::size_t without = results::load(out).ep.size();
  ASSERT_GT(without, 0u);
  ASSERT_LT(without, 6u);
  const Ended ended = run_program(2, {"run", config, "--out", out, "--timeline"});
  EXPECT_EQ(ended.status, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr(std::to_string(6 - without) + " of 6 cases to do"));
  EXPECT_THAT(ended.output, HasSubstr("EP: where the peak is"));
  const results::RunData data = results::load(out);
  ASSERT_EQ(data.ep.size(), 6u);
  std::size_t with = 0;
  for (const results::EpCase& row : data.ep) {
    const results::Timeline timeline = results::load_ep_trace(out, row.case_id).timeline;
    if (row.timeline_peak_bytes == results::kAbsent) {
      EXPECT_TRUE(timeline.points.empty());
      continue;
    }
    ++with;
    ASSERT_FALSE(timeline.points.empty());
    EXPECT_EQ(timeline.points[results::peak_of(timeline)].total, row.peak_bytes);
    EXPECT_EQ(row.timeline_peak_bytes, row.peak_bytes);
    EXPECT_EQ(row.memory_repeats, 1);
  }
  EXPECT_EQ(with, 6 - without);
}

} // namespace
} // namespace peakbench::testing
