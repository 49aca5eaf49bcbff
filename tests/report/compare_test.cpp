#include "report/compare.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "base/error.h"
#include "report/examples.h"

namespace peakbench::report {
namespace {

using results::RunData;
using testing::cell;
using ::testing::ElementsAre;
using testing::has_note;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::table_with;

// `n` repeats around the case's time, 2 % apart at most, in an order of no meaning.
template <class Record>
void add_repeats(std::vector<results::RepeatRow>& repeats, const Record& row, double seconds, int n,
                 double spread = 0.02) {
  for (int i = 0; i < n; ++i) {
    const double place = n == 1 ? 0 : (i * 7 % n) / (n - 1.0) - 0.5; // -0.5 .. 0.5
    repeats.push_back({row.case_id, i, seconds * (1 + spread * place), 1, 1, 1});
  }
}

// EP cases at depths 10 and 100, EAB cases of two prompts, with n repeats each; times scaled.
RunData run_of(int n, double scale = 1, double spread = 0.02) {
  RunData run;
  run.path = "run.h5";
  for (const std::string arm : {"backprop", "ep_fused"})
    for (const std::int64_t depth : {10, 100}) {
      run.ep.push_back(
          testing::ep_case(arm, depth, 1e-3 * static_cast<double>(depth) * scale, 1000000 * depth));
      add_repeats(run.ep_repeats, run.ep.back(), run.ep.back().step_seconds, n, spread);
    }
  for (const std::string prompt : {"a", "b"}) {
    run.eab.push_back(testing::eab_case("cow", "batched", prompt, 2 * scale, 5000000));
    run.eab.back().tree_matches_reference = 1;
    add_repeats(run.eab_repeats, run.eab.back(), run.eab.back().wall_seconds, n, spread);
  }
  run.environment.resize(1);
  for (auto* rows : {&run.ep})
    for (auto& row : *rows)
      row.environment = 0;
  for (auto& row : run.eab)
    row.environment = 0;
  return run;
}

const CaseComparison& case_of(const Comparison& comparison, const std::string& kind,
                              const std::string& id) {
  for (const KindComparison& one : comparison.kinds)
    if (one.kind == kind)
      for (const CaseComparison& compared : one.cases)
        if (compared.case_id == id)
          return compared;
  throw std::runtime_error("no case " + id);
}

CompareOptions failing(double percent) {
  CompareOptions options;
  options.regression_percent = percent;
  return options;
}

TEST(CompareTest, ARunIsTheSameAsItself) {
  const RunData run = run_of(20);
  const Comparison comparison = compare(run, run, failing(3));
  EXPECT_EQ(compare(run, run, failing(0)).regressions(), 0u);
  EXPECT_EQ(comparison.tests, 6u);
  EXPECT_EQ(comparison.cases(), 6u);
  EXPECT_EQ(comparison.count(TimeVerdict::same), 6u);
  EXPECT_EQ(comparison.regressions(), 0u);
  for (const KindComparison& kind : comparison.kinds) {
    EXPECT_THAT(kind.one_sided, IsEmpty());
    for (const CaseComparison& one : kind.cases) {
      EXPECT_EQ(one.ratio.ratio, 1);
      EXPECT_LT(one.ratio.lower, 1);
      EXPECT_GT(one.ratio.upper, 1);
      EXPECT_EQ(one.test.p, 1);
      EXPECT_EQ(one.peak_before, one.peak_now);
      EXPECT_THAT(one.changes, IsEmpty());
    }
  }
}

TEST(CompareTest, TellsSlowerAndFaster) {
  const RunData before = run_of(10), slower = run_of(10, 1.3), faster = run_of(10, 0.7);
  const Comparison up = compare(before, slower, failing(10));
  EXPECT_EQ(up.count(TimeVerdict::slower), 6u);
  EXPECT_EQ(up.regressions(), 6u);
  const CaseComparison& one = case_of(up, "ep", before.ep[0].case_id);
  EXPECT_NEAR(one.ratio.ratio, 1.3, 1e-12);
  EXPECT_NEAR(one.seconds_before, 0.01, 1e-12);
  EXPECT_NEAR(one.seconds_now, 0.013, 1e-12);
  EXPECT_NEAR(one.test.p, 2.0 / 184756, 1e-12); // all of the 10 above all of the 10
  EXPECT_NEAR(one.adjusted_p, 6 * 2.0 / 184756, 1e-12);
  ASSERT_EQ(one.regressions.size(), 1u);
  EXPECT_EQ(one.regressions[0], "slower by 30.00 %");
  EXPECT_EQ(compare(before, slower, failing(30.1)).regressions(), 0u);
  const Comparison down = compare(before, faster, failing(0));
  EXPECT_EQ(down.count(TimeVerdict::faster), 6u);
  EXPECT_EQ(down.regressions(), 0u);
}

TEST(CompareTest, ThreeRepeatsCannotTell) {
  const Comparison comparison = compare(run_of(3), run_of(3, 2), failing(10));
  EXPECT_EQ(comparison.count(TimeVerdict::cannot_tell), 6u);
  EXPECT_EQ(comparison.tests, 0u);
  EXPECT_EQ(comparison.repeats_needed, 5u); // 6 x 2 / (10 over 5) is 0.048
  EXPECT_EQ(comparison.regressions(), 0u);
  const CaseComparison& one = comparison.kinds[0].cases[0];
  EXPECT_THAT(one.why, HasSubstr("too few repeats"));
  EXPECT_NEAR(one.test.p, 0.1, 1e-12);
  EXPECT_NEAR(one.ratio.ratio, 2, 1e-12); // what is known is said all the same
}

// As few as tell one case alone do not tell six at once.
TEST(CompareTest, ManyCasesNeedASmallerP) {
  const Comparison comparison = compare(run_of(4), run_of(4, 2), {});
  EXPECT_EQ(comparison.tests, 6u);
  EXPECT_EQ(comparison.count(TimeVerdict::cannot_tell), 6u);
  EXPECT_THAT(comparison.kinds[0].cases[0].why, HasSubstr("among 6 cases"));
  RunData before = run_of(4), now = run_of(4, 2);
  before.eab.clear();
  now.eab.clear();
  before.ep.resize(1);
  now.ep.resize(1);
  const Comparison alone = compare(before, now, {});
  EXPECT_EQ(alone.count(TimeVerdict::slower), 1u);
}

TEST(CompareTest, ANoisyCaseSpansOne) {
  const Comparison comparison = compare(run_of(10, 1, 1.0), run_of(10, 1.1, 1.0), {});
  EXPECT_EQ(comparison.count(TimeVerdict::cannot_tell), 6u);
  EXPECT_EQ(comparison.kinds[0].cases[0].why, "the interval spans 1");
}

TEST(CompareTest, SmallDifferencesAreTheSameWithinWhatIsSaid) {
  CompareOptions options;
  EXPECT_EQ(compare(run_of(20), run_of(20, 1.03), options).count(TimeVerdict::same), 6u);
  // A regression of 3 % is not hidden by that.
  EXPECT_EQ(compare(run_of(20), run_of(20, 1.03), failing(2)).regressions(), 6u);
  EXPECT_EQ(compare(run_of(20), run_of(20, 1.03), failing(4)).regressions(), 0u);
  options.same_percent = 1;
  EXPECT_EQ(compare(run_of(20), run_of(20, 1.03), options).count(TimeVerdict::slower), 6u);
}

TEST(CompareTest, MemoryIsComparedToTheByte) {
  const RunData before = run_of(10);
  RunData now = before;
  now.eab[0].peak_bytes += 1;
  now.ep[0].peak_beyond_weights_bytes += 500000; // 5 % of 10 MB
  now.ep[1].peak_beyond_weights_bytes -= 1;
  const Comparison comparison = compare(before, now, failing(5));
  EXPECT_EQ(comparison.regressions(), 0u); // exactly 5 % is not more
  EXPECT_EQ(compare(before, now, failing(4.99)).regressions(), 1u);
  EXPECT_EQ(compare(before, now, failing(0)).regressions(), 2u);
  const auto& arms = comparison.kinds[0].arms;
  ASSERT_EQ(arms.size(), 1u);
  EXPECT_EQ(arms[0].memory_more, 1u);
  EXPECT_EQ(arms[0].memory_equal, 1u);
  EXPECT_NEAR(arms[0].greatest_growth_percent, 100.0 / 5000000, 1e-12);
  EXPECT_EQ(comparison.kinds[1].arms[0].memory_less, 1u);
  const Comparison worse = compare(before, now, failing(4));
  EXPECT_THAT(case_of(worse, "ep", now.ep[0].case_id).regressions,
              ElementsAre("peak memory greater by 5.000 % (500000 bytes)"));
}

TEST(CompareTest, WhatIsNotOkAnyMoreIsARegression) {
  const RunData before = run_of(10);
  RunData now = before;
  now.ep[0].status = "failed";
  now.ep[0].reason = "no reason";
  now.ep[1].validity = "INVALID: the trees differ";
  now.eab[0].tree_matches_reference = 0;
  now.ep[2].gradient_error = 1e-3;
  now.ep[3].gradient_error = 1.1e-6; // rounding
  const Comparison comparison = compare(before, now, failing(50));
  EXPECT_EQ(comparison.regressions(), 2u);
  const CaseComparison& failed = case_of(comparison, "ep", now.ep[0].case_id);
  EXPECT_EQ(failed.verdict, TimeVerdict::not_compared);
  EXPECT_EQ(failed.why, "ok before, failed now");
  EXPECT_THAT(failed.regressions, ElementsAre("status was ok, is failed"));
  ASSERT_EQ(failed.changes.size(), 2u);
  EXPECT_EQ(failed.changes[1].now, "no reason");
  EXPECT_THAT(case_of(comparison, "ep", now.ep[1].case_id).regressions,
              ElementsAre("validity was VALID, is INVALID: the trees differ"));
  const auto& trees = case_of(comparison, "eab", now.eab[0].case_id).changes;
  ASSERT_EQ(trees.size(), 1u);
  EXPECT_EQ(trees[0].column, "tree_matches_reference");
  EXPECT_EQ(trees[0].before, "1");
  EXPECT_EQ(trees[0].now, "0");
  EXPECT_EQ(case_of(comparison, "ep", now.ep[2].case_id).changes.size(), 1u);
  EXPECT_THAT(case_of(comparison, "ep", now.ep[3].case_id).changes, IsEmpty());
  // The other way round it is an improvement.
  EXPECT_EQ(compare(now, before, failing(50)).regressions(), 0u);
}

TEST(CompareTest, CasesOfOneSideAreNamed) {
  const RunData before = run_of(10);
  RunData now = before;
  now.ep.erase(now.ep.begin());
  now.eab.push_back(testing::eab_case("naive", "per_path", "a", 1, 1));
  Comparison comparison = compare(before, now, failing(10));
  EXPECT_EQ(comparison.regressions(), 1u);
  EXPECT_EQ(comparison.cases(), 5u);
  ASSERT_EQ(comparison.kinds[0].one_sided.size(), 1u);
  EXPECT_FALSE(comparison.kinds[0].one_sided[0].in_baseline);
  EXPECT_THAT(comparison.kinds[0].one_sided[0].what, HasSubstr("arm naive"));
  ASSERT_EQ(comparison.kinds[1].one_sided.size(), 1u);
  EXPECT_TRUE(comparison.kinds[1].one_sided[0].in_baseline);
  EXPECT_EQ(comparison.kinds[1].one_sided[0].case_id, before.ep[0].case_id);
  comparison.options.allow_missing = true;
  EXPECT_EQ(comparison.regressions(), 0u);
}

TEST(CompareTest, RunsWithoutACommonCaseSayInWhatTheyDiffer) {
  RunData before = run_of(2), now = run_of(2);
  before.eab.clear();
  now.eab.clear();
  for (auto& row : now.ep) {
    row.seed = 7;
    row.case_id = results::case_id_of(row);
  }
  try {
    compare(before, now, {});
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no case in common (seed 42 before, 7 now)"));
  }
  EXPECT_THROW(compare({}, {}, {}), UserError);
}

TEST(CompareTest, RepeatsOfSeveralFilesAreOnePoolAndCopiesCountOnce) {
  const RunData before = run_of(10);
  RunData now = run_of(10, 1.001);
  const RunData other = run_of(6, 1.002);
  const std::size_t first = now.ep.size();
  now.ep.insert(now.ep.end(), other.ep.begin(), other.ep.end());
  now.ep_repeats.insert(now.ep_repeats.end(), other.ep_repeats.begin(), other.ep_repeats.end());
  EXPECT_EQ(compare(before, now, {}).kinds[1].cases[0].seconds.now.size(), 16u);
  RunData twice = before; // a file named twice
  twice.ep.insert(twice.ep.end(), before.ep.begin(), before.ep.end());
  twice.ep_repeats.insert(twice.ep_repeats.end(), before.ep_repeats.begin(),
                          before.ep_repeats.end());
  EXPECT_EQ(compare(before, twice, {}).kinds[1].cases[0].seconds.now.size(), 10u);
  // One of the two that is not ok is not hidden by the other.
  now.ep[first].status = "failed";
  EXPECT_EQ(compare(before, now, failing(10)).regressions(), 1u);
}

TEST(CompareTest, AMedianWithoutRepeatsIsShownAndCannotBeTold) {
  RunData before = run_of(10), now = run_of(10, 3);
  now.ep_repeats.clear();
  const CaseComparison one = compare(before, now, {}).kinds[1].cases[0];
  EXPECT_EQ(one.verdict, TimeVerdict::cannot_tell);
  EXPECT_NEAR(one.ratio.ratio, 3, 0.01);
  EXPECT_TRUE(std::isnan(one.ratio.lower));
}

TEST(CompareTest, EnvironmentsThatDifferAreNamed) {
  const RunData before = run_of(10);
  RunData now = before;
  EXPECT_THAT(compare(before, now, {}).notes, ElementsAre(HasSubstr("the same environment")));
  now.environment[0].cpu = "another";
  now.environment[0].git_revision = "abc";
  EXPECT_THAT(compare(before, now, {}).notes,
              ElementsAre(HasSubstr("git_revision none before, abc now"),
                          HasSubstr("The environments differ (cpu none before, another now)")));
}

TEST(CompareTest, ArmsHaveIntervalsWhereCasesWereRepeated) {
  const Comparison slower = compare(run_of(10), run_of(10, 1.3), failing(10));
  const ArmComparison& arm = slower.kinds[1].arms[0];
  EXPECT_NEAR(arm.time.ratio, 1.3, 1e-12);
  EXPECT_GT(arm.time.lower, 1.28);
  EXPECT_LT(arm.time.upper, 1.32);
  EXPECT_EQ(arm.verdict, TimeVerdict::cannot_tell); // of two cases a sign tells nothing
  EXPECT_EQ(compare(run_of(10), run_of(10, 1.01), {}).kinds[1].arms[0].verdict, TimeVerdict::same);
  EXPECT_EQ(slower.kinds[0].arms.size(), 1u) << "one arm is all arms";
}

// Real noise: of runs that do not differ hardly one has a false alarm, though 24 cases are looked
// at; of runs of which every case is 20 % slower nearly all cases are found.
TEST(CompareTest, FalseAlarmsAreRareAndRealOnesAreFound) {
  std::mt19937_64 random(9);
  std::normal_distribution<double> normal;
  const auto noisy = [&](double scale) {
    RunData run;
    for (std::int64_t depth = 1; depth <= 24; ++depth) {
      run.ep.push_back(testing::ep_case("backprop", depth, scale, 1000));
      for (int i = 0; i < 10; ++i)
        run.ep_repeats.push_back(
            {run.ep.back().case_id, i, scale * std::exp(0.05 * normal(random)), 1, 1, 1});
    }
    return run;
  };
  int with_alarm = 0;
  std::size_t found = 0;
  for (int experiment = 0; experiment < 60; ++experiment) {
    const Comparison equal = compare(noisy(1), noisy(1), {});
    with_alarm += equal.count(TimeVerdict::slower) + equal.count(TimeVerdict::faster) > 0;
    if (experiment < 20)
      found += compare(noisy(1), noisy(1.2), {}).count(TimeVerdict::slower);
  }
  EXPECT_LE(with_alarm, 8); // 5 % of 60 is 3
  EXPECT_GE(found, 440u);   // of 480
}

TEST(CompareTables, HoldWhatWasCompared) {
  const RunData before = run_of(10);
  RunData now = run_of(10, 1.3);
  now.ep[0].peak_beyond_weights_bytes += 500000;
  now.ep[1].status = "timed_out";
  now.eab.pop_back();
  const auto tables = comparison_tables(compare(before, now, failing(10)));
  const Table& regressions = table_with(tables, "Regressions beyond 10 %");
  // Four are slower, one timed out, one is missing; a peak greater by 5 % is none.
  EXPECT_EQ(regressions.rows.size(), 4u + 1 + 1);
  const Table& arms = table_with(tables, "Comparison of times, now");
  EXPECT_EQ(cell(arms, {"EP", "ep_fused"}, "slower"), "2");
  EXPECT_EQ(cell(arms, {"EP", "backprop"}, "not compared"), "1");
  EXPECT_EQ(cell(arms, {"EAB", "cow batched"}, "ratio"), "1.3000");
  EXPECT_EQ(
      cell(table_with(tables, "Comparison of peak memory"), {"EP", "backprop"}, "greatest growth"),
      "5.00");
  EXPECT_TRUE(has_note(arms, "adjusted by Holm over the 4 cases"));
  EXPECT_EQ(table_with(tables, "What else changed").rows.size(), 1u);
  EXPECT_EQ(table_with(tables, "cases of one side").rows.size(), 1u);
  const Table& cases = table_with(tables, "Comparison of times: EP");
  const Table& peaks = table_with(tables, "Comparison of peaks: EP");
  ASSERT_EQ(cases.rows.size(), 4u);
  EXPECT_EQ(cases.settings, 2u);
  EXPECT_EQ(cell(cases, {"backprop", "10"}, "ratio"), "1.3000");
  EXPECT_EQ(cell(cases, {"backprop", "10"}, "time is"), "slower");
  EXPECT_EQ(cell(peaks, {"backprop", "10"}, "change"), "500000");
  EXPECT_EQ(cell(peaks, {"backprop", "10"}, "peak is"), "more");
  EXPECT_EQ(cell(cases, {"backprop", "10"}, "p"), "1.1e-05");
  EXPECT_EQ(cell(cases, {"backprop", "100"}, "time is"), "not compared");
  EXPECT_EQ(cell(cases, {"backprop", "100"}, "why"), "ok before, timed_out now");
  EXPECT_EQ(cell(peaks, {"ep_fused", "10"}, "peak is"), "equal");
}

TEST(CompareTables, NoneIsSaidWhereThereIsNone) {
  const RunData run = run_of(10);
  const auto tables = comparison_tables(compare(run, run, failing(10)));
  EXPECT_TRUE(table_with(tables, "Regressions beyond").rows.empty());
  EXPECT_TRUE(has_note(tables.front(), "None. A regression"));
  EXPECT_THROW(table_with(tables, "What else changed"), std::runtime_error);
  EXPECT_THROW(table_with(comparison_tables(compare(run, run, {})), "Regressions"),
               std::runtime_error);
}

} // namespace
} // namespace peakbench::report
