// Where the peak is: the table that goes with the pictures of memory over time.
#include <gmock/gmock.h>

#include "report/examples.h"
#include "report/sections.h"
#include "report/timeline_examples.h"
#include "report/timeline_parts.h"

namespace peakbench::report {
namespace {

using testing::cell;
using testing::column_of;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::set_timeline_peak;
using ::testing::StartsWith;

std::vector<results::EpCase> ep_cases() {
  std::vector<results::EpCase> cases;
  for (const char* const arm : {"backprop", "ep_fused"})
    for (const std::int64_t depth : {10, 100}) {
      cases.push_back(testing::ep_case(arm, depth, 1, 1));
      set_timeline_peak(cases.back(), testing::example_timeline());
    }
  return cases;
}

TEST(TimelineTables, TellWhenInWhichPhaseAndOfWhat) {
  const std::vector<Table> tables = ep_timeline_tables(ep_cases());
  ASSERT_EQ(tables.size(), 1u);
  const Table& table = tables[0];
  ASSERT_EQ(table.rows.size(), 2u); // one an arm
  const std::vector<std::string> key{"ep_fused", "10"};
  EXPECT_EQ(cell(table, key, "at"), "0.5000");
  EXPECT_EQ(cell(table, key, "phase"), "settling");
  EXPECT_EQ(cell(table, key, "peak"), "450.0");
  EXPECT_EQ(cell(table, key, "weights"), "100.0");
  EXPECT_EQ(cell(table, key, "activations"), "300.0");
  EXPECT_EQ(cell(table, key, "workspace"), "50.00");
  EXPECT_THROW(column_of(table, "logits"), std::runtime_error); // nobody has any
  EXPECT_THAT(table.validity, StartsWith("VALID: "));
}

TEST(TimelineTables, ShowOfEachArmTheDepthWithTheGreatestPeak) {
  std::vector<results::EpCase> cases = ep_cases();
  for (results::EpCase& row : cases)
    if (row.arm == "ep_fused" && row.depth == 100)
      row.peak_bytes = ++row.timeline_peak_bytes;
  EXPECT_EQ(cell(ep_timeline_tables(cases).at(0), {"ep_fused"}, "depth"), "100");
}

TEST(TimelineTables, AnotherPeakThanTheReportedOneIsInvalid) {
  std::vector<results::EpCase> cases = ep_cases();
  ++cases[1].peak_bytes;
  const Table table = ep_timeline_tables(cases).at(0);
  EXPECT_THAT(table.validity, StartsWith("INVALID: of 4 timelines 1 "));
}

TEST(TimelineTables, ShowOfEachArmThePromptWithTheGreatestPeak) {
  std::vector<results::EabCase> cases;
  for (const char* const prompt : {"a", "b", "c"}) {
    cases.push_back(testing::eab_case("cow", "batched", prompt, 1, 1));
    results::Timeline timeline = testing::example_timeline();
    if (prompt == std::string("b"))
      timeline.points[2].total += timeline.points[2].by_tag.logits = 1000000;
    set_timeline_peak(cases.back(), timeline);
  }
  cases.push_back(testing::eab_case("naive", "per_path", "a", 1, 1)); // not recorded
  const Table table = eab_timeline_tables(cases).at(0);
  ASSERT_EQ(table.rows.size(), 1u);
  EXPECT_EQ(cell(table, {"cow", "batched"}, "prompt"), "b");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "peak"), "451.0");
  EXPECT_EQ(cell(table, {"cow", "batched"}, "logits"), "1.000");
  EXPECT_THAT(table.validity, HasSubstr("each of the 3 timelines"));
}

TEST(TimelineTables, AreNotThereWithoutTimelines) {
  EXPECT_THAT(eab_timeline_tables(testing::eab_cases()), IsEmpty());
  EXPECT_THAT(ep_timeline_tables(testing::ep_cases()), IsEmpty());
  EXPECT_THAT(eab_timeline_tables({}), IsEmpty());
  EXPECT_THAT(ep_timeline_tables({}), IsEmpty());
}

TEST(TimelineParts, GreatestFirstAndTheRestTogether) {
  results::PeakByTag bytes{10, 0, -3, 40, 0, 30, 5, 0};
  const auto all = parts_of(bytes, 8);
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all.front().name, "activations");
  EXPECT_EQ(all.back().bytes, -3);
  const auto some = parts_of(bytes, 3);
  ASSERT_EQ(some.size(), 3u);
  EXPECT_EQ(some[1].name, "kv_cache");
  EXPECT_EQ(some[2].name, "rest");
  EXPECT_EQ(some[2].bytes, 10 + 5 - 3);
  EXPECT_EQ(percent_of(30, 82), "37");
  EXPECT_EQ(percent_of(3, 82), "3.7");
  EXPECT_EQ(percent_of(1, 0), "0");
}

} // namespace
} // namespace peakbench::report
