#include "report/query.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "base/statistics.h"
#include "report/examples.h"

namespace peakbench::report {
namespace {

using testing::cell;
using testing::column_of;
using ::testing::ElementsAre;
using testing::example_run;
using testing::has_note;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Names = std::vector<std::string>;

std::vector<std::string> titles(const Table& table) {
  std::vector<std::string> names;
  for (const Column& column : table.columns)
    names.push_back(column.title);
  return names;
}

std::vector<std::string> column(const Table& table, const std::string& title) {
  std::vector<std::string> cells;
  for (const auto& row : table.rows)
    cells.push_back(row[column_of(table, title)]);
  return cells;
}

std::string message_of(const Query& query, const results::RunData& run = example_run()) {
  try {
    query_table(run, query);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(QueryTest, ShowsTheNamedColumnsOfEveryRow) {
  const results::RunData run = example_run();
  const Table table = query_table(run, {"", {"arm", "depth", "step_seconds"}, {}, {}});
  EXPECT_EQ(table.title, "ep: 20 rows");
  EXPECT_THAT(titles(table), ElementsAre("arm", "depth", "step_seconds"));
  EXPECT_EQ(table.columns[1].unit, "layers");
  EXPECT_TRUE(table.columns[0].left);
  EXPECT_FALSE(table.columns[2].left);
  ASSERT_EQ(table.rows.size(), 20u);
  for (std::size_t i = 0; i < run.ep.size(); ++i) {
    EXPECT_EQ(table.rows[i][0], run.ep[i].arm);
    EXPECT_EQ(std::stod(table.rows[i][2]), run.ep[i].step_seconds); // read back exactly
  }
  EXPECT_THAT(table.validity, StartsWith("VALID"));
}

TEST(QueryTest, PatternsNameSeveralColumns) {
  const Table table =
      query_table(example_run(), {"eab", {"arm", "wall_*", "arm", "kv_b*"}, {}, {}});
  EXPECT_THAT(titles(table),
              ElementsAre("arm", "wall_seconds", "wall_seconds_lower", "wall_seconds_upper",
                          "kv_bytes_per_token", "kv_bound_bytes", "kv_bytes_copied"));
  const Table all = query_table(example_run(), {"eab", {}, {}, {"arm"}});
  EXPECT_EQ(all.columns.size(), results::fields<results::EabCase>().size());
}

TEST(QueryTest, OrdersByValueAndKeepsTheOrderOfEqualRows) {
  const results::RunData run = example_run();
  const Table table = query_table(run, {"ep", {"arm", "depth"}, {}, {"-depth", "arm"}});
  EXPECT_THAT(table.rows[0], ElementsAre("backprop", "500"));
  EXPECT_THAT(table.rows[3], ElementsAre("truncated_backprop", "500"));
  EXPECT_THAT(table.rows[4], ElementsAre("backprop", "200"));
  EXPECT_THAT(table.rows[19],
              ElementsAre("truncated_backprop", "10")); // 10 is below 50: no letters
  const Table by_one = query_table(run, {"ep", {"arm"}, {}, {"depth"}});
  const auto arms = column(by_one, "arm");
  EXPECT_THAT(Names(arms.begin(), arms.begin() + 4),
              ElementsAre("ep_autograd", "backprop", "ep_fused", "truncated_backprop"));
}

TEST(QueryTest, PatternsOrderByAllTheirColumns) {
  const results::RunData run = example_run();
  const auto sorted = [&](const std::vector<std::string>& by) {
    return query_table(run, {"ep", {"arm", "depth", "width"}, {}, by}).rows;
  };
  EXPECT_EQ(sorted({"-dep*", "a?m"}), sorted({"-depth", "arm"}));
  EXPECT_EQ(sorted({"[dw]*th"}), sorted({"depth", "width"}));
  EXPECT_NE(sorted({"-dep*", "a?m"}), sorted({"arm", "-depth"})) << "control";
}

TEST(QueryTest, AbsentValuesComeLastEitherWay) {
  results::RunData run = example_run();
  run.ep[0].reach = results::kAbsent;
  for (const std::string sort : {"reach", "-reach"}) {
    const Table table = query_table(run, {"ep", {"reach"}, {}, {sort}});
    EXPECT_EQ(table.rows.back()[0], "-") << sort;
    EXPECT_NE(table.rows.front()[0], "-") << sort;
  }
}

TEST(QueryTest, ALimitShowsTheTop) {
  const Table table = query_table(example_run(), {"ep", {"depth"}, {}, {"-depth"}, 3});
  EXPECT_THAT(column(table, "depth"), ElementsAre("500", "500", "500"));
  EXPECT_TRUE(has_note(table, "The first 3 of 20 rows"));
}

TEST(QueryTest, FindsOutWhichRowsAreMeant) {
  const results::RunData run = example_run();
  EXPECT_EQ(kind_of({"", {"prompt_id"}, {}, {}}, run), "eab");
  EXPECT_EQ(kind_of({"", {}, {"depth"}, {}}, run), "ep");
  EXPECT_EQ(kind_of({"", {"arm"}, {}, {"-depth"}}, run), "ep");
  EXPECT_EQ(kind_of({"", {"component"}, {}, {}}, run), "ep-components");
  EXPECT_EQ(kind_of({"eab", {"arm"}, {}, {}}, run), "eab");
  results::RunData only_ep = run;
  only_ep.eab.clear();
  EXPECT_EQ(kind_of({"", {"arm"}, {}, {}}, only_ep), "ep");
  EXPECT_THAT(message_of({"", {"arm"}, {}, {}}), HasSubstr("eab, ep have them all"));
  EXPECT_THAT(message_of({"", {"arm"}, {}, {}}), HasSubstr("--rows eab"));
  EXPECT_THAT(message_of({"", {"prompt_id", "depth"}, {}, {}}),
              HasSubstr("no kind of rows has all these columns (prompt_id is of eab; depth is of "
                        "ep)"));
  EXPECT_THAT(message_of({"", {"wal_seconds"}, {}, {}}),
              HasSubstr("--columns: no column wal_seconds"));
  EXPECT_THAT(message_of({"", {"wal_seconds"}, {}, {}}), HasSubstr("did you mean wall_seconds?"));
  EXPECT_THAT(message_of({"ep", {"zzz*"}, {}, {}}), HasSubstr("no column zzz*"));
  EXPECT_THAT(message_of({"ep", {"arm"}, {}, {"-prompt_id"}}), HasSubstr("It is one of eab"));
  EXPECT_THAT(message_of({"epp", {"arm"}, {}, {}}), HasSubstr("did you mean ep?"));
}

TEST(QueryTest, GroupsHaveCountsMediansAndIntervals) {
  const results::RunData run = example_run();
  const Table table = query_table(run, {"ep", {}, {"arm"}, {}});
  EXPECT_EQ(table.title, "ep by arm: 20 rows in 4 groups");
  EXPECT_EQ(table.settings, 1u);
  EXPECT_THAT(titles(table),
              ElementsAre("arm", "n", "step_seconds", "step_seconds lower", "step_seconds upper",
                          "peak_beyond_weights_bytes", "peak_beyond_weights_bytes lower",
                          "peak_beyond_weights_bytes upper"));
  EXPECT_THAT(column(table, "arm"),
              ElementsAre("backprop", "ep_autograd", "ep_fused", "truncated_backprop"));
  EXPECT_EQ(cell(table, {"ep_autograd"}, "n"), "5");
  EXPECT_EQ(cell(table, {"ep_autograd"}, "step_seconds"), "0.2"); // of 0.02 .. 1: at depth 100
  EXPECT_EQ(cell(table, {"ep_autograd"}, "step_seconds lower"), "0.02");
  EXPECT_EQ(cell(table, {"ep_autograd"}, "step_seconds upper"), "1");
  EXPECT_EQ(cell(table, {"ep_autograd"}, "peak_beyond_weights_bytes"), "20000000");
  EXPECT_TRUE(has_note(table, "Of fewer than 6 values"));
}

TEST(QueryTest, GroupsAgreeWithTheStatisticsOfTheirRows) {
  std::mt19937_64 random(8);
  results::RunData run;
  std::map<std::pair<std::string, std::int64_t>, std::vector<double>> expected;
  for (int i = 0; i < 500; ++i) {
    auto row = testing::ep_case(random() % 2 ? "a" : "b", static_cast<std::int64_t>(random() % 4),
                                static_cast<double>(random() % 1000) / 7, 100);
    run.ep.push_back(row);
    expected[{row.arm, row.depth}].push_back(row.step_seconds);
  }
  const Table table = query_table(run, {"ep", {"step_seconds"}, {"arm", "depth"}, {}});
  ASSERT_EQ(table.rows.size(), expected.size());
  for (const auto& row : table.rows) {
    const auto& values = expected.at({row[0], std::stoll(row[1])});
    const Summary summary = summarize(values);
    EXPECT_EQ(std::stoul(row[2]), values.size());
    EXPECT_EQ(std::stod(row[3]), summary.median);
    EXPECT_EQ(std::stod(row[4]), summary.lower);
    EXPECT_EQ(std::stod(row[5]), summary.upper);
  }
  EXPECT_FALSE(has_note(table, "Of fewer than 6 values"));
}

TEST(QueryTest, GroupsTellCommonTextsAndMissingValues) {
  results::RunData run = example_run();
  run.ep[0].step_seconds = results::kAbsentReal; // ep_autograd at depth 10
  const Table table =
      query_table(run, {"ep", {"arm", "status", "step_seconds"}, {"depth"}, {"-n", "-depth"}});
  EXPECT_EQ(cell(table, {"10"}, "arm"), "4 different");
  EXPECT_EQ(cell(table, {"10"}, "status"), "ok");
  EXPECT_EQ(cell(table, {"10"}, "n"), "4");
  EXPECT_EQ(cell(table, {"10"}, "step_seconds n"), "3");
  EXPECT_EQ(table.rows.front()[0], "500");
  const Table pairs = query_table(run, {"ep", {"step_seconds"}, {"arm", "depth"}, {}});
  EXPECT_EQ(cell(pairs, {"ep_autograd", "10"}, "step_seconds"), "-");
  EXPECT_EQ(cell(pairs, {"ep_autograd", "50"}, "step_seconds lower"), "-"); // one row: no interval
  EXPECT_THAT(message_of({"ep", {"step_seconds"}, {"arm"}, {"reach"}}),
              HasSubstr("--sort: no column reach in the table of groups"));
}

TEST(QueryTest, GroupsMayBeOrderedByAMedian) {
  const Table table =
      query_table(example_run(), {"ep", {"step_seconds"}, {"arm"}, {"-step_seconds"}, 2});
  EXPECT_THAT(column(table, "arm"), ElementsAre("ep_autograd", "backprop"));
}

// All formats show the same cells; CSV is a plain table for programs.
TEST(QueryTest, AllFormatsHoldTheSameNumbers) {
  results::RunData run = example_run();
  run.ep[1].reach = results::kAbsent;
  run.ep[1].reason = "a, \"b\"";
  const Table table = query_table(run, {"ep", {"arm", "step_seconds", "reach", "reason"}, {}, {}});
  const std::string csv = plain_csv(table);
  EXPECT_THAT(csv, StartsWith("arm,step_seconds,reach,reason\nep_autograd,0.02,10,\n"
                              "backprop,0.001,,\"a, \"\"b\"\"\"\n"));
  const auto json = nlohmann::json::parse(render({table}, Format::json)).at("tables").at(0);
  EXPECT_EQ(json.at("columns").at(1).at("unit"), "seconds");
  for (std::size_t i = 0; i < run.ep.size(); ++i)
    EXPECT_EQ(json.at("rows").at(i).at(1).get<double>(), run.ep[i].step_seconds);
  EXPECT_TRUE(json.at("rows").at(1).at(2).is_null());
  EXPECT_THAT(render({table}, Format::markdown), HasSubstr("| ep_autograd | 0.02 | 10 | - |"));
}

TEST(QueryTest, AnEmptyFileGivesAnEmptyTable) {
  const Table table = query_table({}, {"", {"depth"}, {}, {}});
  EXPECT_TRUE(table.rows.empty());
  EXPECT_EQ(plain_csv(table), "depth\n");
  EXPECT_TRUE(query_table({}, {"", {}, {"depth"}, {}}).rows.empty());
}

TEST(QueryTest, ListsOfNames) {
  EXPECT_THAT(names_in({"a, b", "-c"}), ElementsAre("a", "b", "-c"));
  EXPECT_TRUE(names_in({}).empty());
  for (const std::string bad : {"", "a,", ",a", "a,,b", "-"})
    EXPECT_THROW(names_in({bad}), UserError) << bad;
}

TEST(QueryTest, ListsColumns) {
  const auto all = column_tables("");
  EXPECT_GE(all.size(), 14u);
  const auto eab = column_tables("eab");
  ASSERT_EQ(eab.size(), 1u);
  EXPECT_EQ(cell(eab[0], {"wall_seconds"}, "unit"), "seconds");
  EXPECT_EQ(cell(eab[0], {"arm"}, "role"), "independent");
  EXPECT_THAT(cell(eab[0], {"wall_seconds"}, "description"), HasSubstr("median wall time"));
  EXPECT_THROW(column_tables("nonsense"), UserError);
}

} // namespace
} // namespace peakbench::report
