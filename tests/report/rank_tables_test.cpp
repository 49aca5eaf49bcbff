#include <gtest/gtest.h>

#include "report/examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using testing::cell;

TEST(RankTables, SayWhatEveryRankDid) {
  results::RankRow row;
  row.launch = 1;
  row.rank = 3;
  row.host = "node1";
  row.share = "dynamic";
  row.cases = 7;
  row.restarts = 1;
  row.seconds = 10;
  row.busy_seconds = 7.5;
  row.idle_seconds = 2.5;
  row.load_seconds = 0.5;
  row.gathered_bytes = 2500000;
  row.gathering_seconds = 0.25;
  results::RankRow nothing;
  nothing.launch = 0;
  nothing.cases = 0;
  const auto tables = rank_tables({nothing, row});
  ASSERT_EQ(tables.size(), 1u);
  ASSERT_EQ(tables[0].rows.size(), 1u) << "a launch that did nothing is left out";
  EXPECT_EQ(cell(tables[0], {"1", "3"}, "host"), "node1");
  EXPECT_EQ(cell(tables[0], {"1", "3"}, "cases"), "7");
  EXPECT_EQ(cell(tables[0], {"1", "3"}, "busy"), "7.50");
  EXPECT_EQ(cell(tables[0], {"1", "3"}, "idle"), "2.50");
  EXPECT_EQ(cell(tables[0], {"1", "3"}, "gathered"), "2.500");
  EXPECT_EQ(cell(tables[0], {"1", "3"}, "start"), "-") << "measured or absent";
  EXPECT_TRUE(rank_tables({nothing}).empty());
}

TEST(RankTables, ALostRankIsNamedAndTheNoteSaysWhatThatIs) {
  std::vector<results::RankRow> rows(2);
  rows[0].cases = 3;
  rows[0].ended = "done";
  EXPECT_FALSE(testing::has_note(rank_tables(rows).front(), "lost rank"));
  rows[1].rank = 1;
  rows[1].cases = 0;
  rows[1].ended = "lost";
  const Table table = rank_tables(rows).front();
  EXPECT_EQ(cell(table, {"0", "0"}, "ended"), "done");
  EXPECT_EQ(cell(table, {"0", "1"}, "ended"), "lost");
  EXPECT_EQ(cell(table, {"0", "1"}, "busy"), "-");
  EXPECT_TRUE(testing::has_note(table, "lost rank gave no sign"));
}

TEST(RankTables, ManyRanksAreCutAndCounted) {
  std::vector<results::RankRow> rows(100);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].rank = static_cast<std::int64_t>(i);
    rows[i].cases = 1;
  }
  const Table table = rank_tables(rows).front();
  EXPECT_EQ(table.rows.size(), 32u);
  EXPECT_TRUE(testing::has_note(table, "68 more rows"));
}

} // namespace
} // namespace peakbench::report
