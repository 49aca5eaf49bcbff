#include "report/filter.h"

#include <gmock/gmock.h>

#include <random>
#include <set>

#include "base/error.h"
#include "report/examples.h"

namespace peakbench::report {
namespace {

using results::RunData;
using ::testing::HasSubstr;

Filter filter(const std::string& expression, const std::string& focus = "") {
  return Filter(parse_where({expression}), focus);
}

// The example's cases with two repeats each, and parts of EP cases.
RunData whole_run() {
  RunData run = testing::example_run();
  for (const auto& row : run.eab)
    for (int repeat = 0; repeat < 2; ++repeat)
      run.eab_repeats.push_back({row.case_id, repeat, row.wall_seconds, 1, 1, 1});
  for (const auto& row : run.ep) {
    run.ep_repeats.push_back({row.case_id, 0, row.step_seconds, 1, 1, 1});
    run.ep_components.push_back({row.case_id, "settling", 1, 0.5, 100, 10});
    run.ep_components.push_back({row.case_id, "update", 1, 0.25, 100, 10});
    run.ep_operations.push_back({row.case_id, "module", "relu", 1, 2, 3});
    run.ep_training.push_back({row.case_id, 10, 1.0, 1.0, 0.5});
  }
  run.ranks.resize(2);
  run.ranks[1].rank = 1;
  return run;
}

std::vector<Kept> apply(const std::string& expression, RunData& run,
                        const std::string& focus = "") {
  return filter(expression, focus).apply(run);
}

template <class Rows>
std::set<std::string> ids(const Rows& rows) {
  std::set<std::string> all;
  for (const auto& row : rows)
    all.insert(row.case_id);
  return all;
}

TEST(FilterTest, MarksCasesAsItKeepsThem) {
  RunData run = whole_run(), cases;
  cases.ep = run.ep;
  const std::vector<char> marks = filter("depth>=200,arm~ep_*").marks_of_cases(cases);
  ASSERT_EQ(marks.size(), cases.ep.size());
  apply("depth>=200,arm~ep_*", run);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < marks.size(); ++i)
    if (marks[i]) {
      EXPECT_EQ(cases.ep[i].case_id, run.ep.at(kept++).case_id);
    }
  EXPECT_EQ(kept, run.ep.size());
  // A kind without the column has no case that fulfils the condition.
  RunData other;
  other.eab = run.eab;
  other.eab.resize(2);
  EXPECT_THAT(filter("depth>=200").marks_of_cases(other), ::testing::Each(0));
  EXPECT_TRUE(filter("depth>=200").marks_of_cases({}).empty());
}

TEST(FilterTest, WhereNothingIsLeftItSaysWhatThereIs) {
  RunData run = whole_run();
  const auto kept = apply("arm~ep_*,depth=7", run);
  const auto ep = std::ranges::find(kept, "ep", &Kept::kind);
  ASSERT_NE(ep, kept.end());
  EXPECT_THAT(ep->emptied, HasSubstr("depth is 10, "));
  RunData same = whole_run();
  for (const Kept& one : apply("arm=ep_fused", same))
    EXPECT_EQ(one.emptied.empty(), one.rows > 0) << one.kind;
}

TEST(FilterTest, KeepsCasesAndWhatBelongsToThem) {
  RunData run = whole_run();
  const auto kept = apply("depth>=200,arm~ep_*", run);
  ASSERT_EQ(run.ep.size(), 4u);
  for (const auto& row : run.ep) {
    EXPECT_GE(row.depth, 200);
    EXPECT_TRUE(row.arm.starts_with("ep_"));
  }
  EXPECT_EQ(run.ep_repeats.size(), 4u);
  EXPECT_EQ(run.ep_components.size(), 8u);
  EXPECT_EQ(run.ep_operations.size(), 4u);
  EXPECT_EQ(run.ep_training.size(), 4u);
  EXPECT_EQ(ids(run.ep_components), ids(run.ep));
  EXPECT_EQ(ids(run.ep_repeats), ids(run.ep));
  // EAB cases have no depth.
  EXPECT_TRUE(run.eab.empty());
  EXPECT_TRUE(run.eab_repeats.empty());
  EXPECT_EQ(run.ranks.size(), 2u);
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].kind, "eab");
  EXPECT_EQ(kept[0].rows, 0u);
  EXPECT_EQ(kept[0].all, 15u);
  EXPECT_EQ(kept[0].lacking, "depth");
  EXPECT_EQ(kept[1].kind, "ep");
  EXPECT_EQ(kept[1].rows, 4u);
  EXPECT_EQ(kept[1].all, 20u);
  EXPECT_EQ(kept[1].lacking, "");
}

TEST(FilterTest, KeepsTheOrder) {
  RunData run = whole_run();
  const RunData before = run;
  apply("prompt_id!=b", run);
  std::vector<std::string> expected, found;
  for (const auto& row : before.eab)
    if (row.prompt_id != "b")
      expected.push_back(row.case_id);
  for (const auto& row : run.eab)
    found.push_back(row.case_id);
  EXPECT_EQ(found, expected);
}

TEST(FilterTest, NothingAskedChangesNothing) {
  RunData run = whole_run();
  EXPECT_TRUE(Filter({}).apply(run).empty());
  EXPECT_EQ(run.eab.size(), 15u);
  EXPECT_EQ(run.eab_repeats.size(), 30u);
}

TEST(FilterTest, RowsOfOneKindMayBeAskedForByTheirOwnColumns) {
  RunData run = whole_run();
  apply("component=update,arm=backprop", run, "ep-components");
  EXPECT_EQ(run.ep_components.size(), 5u); // 5 depths, one component each
  EXPECT_EQ(run.ep_components.front().component, "update");
  EXPECT_EQ(run.ep.size(), 5u);
  run = whole_run();
  const auto kept = apply("seconds<=4,arm=cow", run, "eab-samples"); // 2, 4, 6 and 7, 14, 21
  EXPECT_EQ(run.eab_repeats.size(), 4u);
  EXPECT_TRUE(run.ep.empty()); // the arm is one of cases of any kind
  ASSERT_EQ(kept.size(), 3u);
  EXPECT_EQ(kept[0].kind, "eab");
  EXPECT_EQ(kept[0].rows, 6u);
  EXPECT_EQ(kept[1].kind, "eab-samples");
  EXPECT_EQ(kept[1].rows, 4u);
  EXPECT_EQ(kept[1].all, 30u);
  run = whole_run();
  const auto ranks = apply("rank=1", run, "ranks");
  EXPECT_EQ(run.ranks.size(), 1u);
  EXPECT_EQ(run.eab.size(), 15u);
  EXPECT_EQ(run.ep_components.size(), 40u);
  ASSERT_EQ(ranks.size(), 1u);
  EXPECT_EQ(ranks[0].kind, "ranks");
}

// Rows of one case from two files: only the repeats of those that stay, stay.
TEST(FilterTest, TellsRowsOfOneCaseApartBySource) {
  RunData run;
  for (const std::int64_t source : {0, 1}) {
    auto row = testing::ep_case("backprop", 10, 1.0 + static_cast<double>(source), 100);
    row.source = source;
    run.ep.push_back(row);
    run.ep_repeats.push_back({row.case_id, 0, row.step_seconds, 1, 1, 1, source});
  }
  apply("step_seconds>1.5", run);
  ASSERT_EQ(run.ep_repeats.size(), 1u);
  EXPECT_EQ(run.ep_repeats[0].source, 1);
}

TEST(FilterTest, RefusesColumnsThatThereAreNot) {
  const auto message = [](const std::string& expression, const std::string& focus = "") {
    try {
      filter(expression, focus);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message("wall_second>1"), HasSubstr("no column wall_second"));
  EXPECT_THAT(message("wall_second>1"), HasSubstr("did you mean wall_seconds?"));
  EXPECT_THAT(message("component=update"), HasSubstr("It is one of ep-components"));
  EXPECT_THAT(message("depth=deep"), HasSubstr("\"deep\" is no number"));
  EXPECT_THAT(message("components=3", "ep-components"), HasSubstr("did you mean component?"));
  EXPECT_THAT(message("depth=3", "nonsense"), HasSubstr("no rows of kind"));
  EXPECT_EQ(message("depth=3"), "");
}

// The slow way: every row by itself, every cell as its text.
TEST(FilterTest, AgreesWithRowByRow) {
  std::mt19937_64 random(6);
  RunData run;
  for (int i = 0; i < 3000; ++i) {
    auto row = testing::ep_case(random() % 2 ? "backprop" : "ep_fused",
                                static_cast<std::int64_t>(random() % 50), 0.5, 100);
    row.case_id = std::to_string(i);
    if (random() % 5 == 0)
      row.step_seconds = results::kAbsentReal;
    else
      row.step_seconds = static_cast<double>(random() % 1000) / 100;
    if (random() % 7 == 0)
      row.depth = results::kAbsent;
    run.ep.push_back(row);
    run.ep_repeats.push_back({row.case_id, 0, 1, 1, 1, 1});
  }
  std::set<std::string> expected;
  for (const auto& row : run.ep) {
    const std::string depth = results::text_of(results::Value(row.depth));
    const std::string seconds = results::text_of(results::Value(row.step_seconds));
    if (row.arm == "ep_fused" && !depth.empty() && std::stod(depth) >= 17 && !seconds.empty() &&
        std::stod(seconds) < 6.25)
      expected.insert(row.case_id);
  }
  apply("arm=ep_fused,depth>=17,step_seconds<6.25", run);
  EXPECT_GT(expected.size(), 100u);
  EXPECT_LT(expected.size(), 2000u);
  EXPECT_EQ(ids(run.ep), expected);
  EXPECT_EQ(ids(run.ep_repeats), expected);
}

} // namespace
} // namespace peakbench::report
