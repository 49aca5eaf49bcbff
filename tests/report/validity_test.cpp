#include "report/validity.h"

#include <gmock/gmock.h>

#include "report/examples.h"

namespace peakbench::report {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ValidityTest, GoodCasesAreValidAndSayWhatIsBehindThem) {
  auto cases = eab_cases();
  cases.front().repeats = 7;
  EXPECT_EQ(validity_of(cases), "VALID: 15 cases ok, 7 to 10 repeats each, peaks the same in every "
                                "repeat, widest interval 2.0 % of its median.");
  EXPECT_EQ(validity_of(std::vector<EabCase>{}), "");
}

TEST(ValidityTest, PointersAreAsGoodAsRecords) {
  const auto cases = ep_cases();
  std::vector<const EpCase*> rows;
  for (const EpCase& row : cases)
    rows.push_back(&row);
  EXPECT_EQ(validity_of(rows), validity_of(cases));
}

TEST(ValidityTest, AFailedCheckMakesItInvalid) {
  auto cases = eab_cases();
  cases[3].validity = "INVALID: another tree";
  const std::string text = validity_of(cases);
  EXPECT_THAT(text, StartsWith("INVALID: 1 of 15 cases failed its check (another tree)."));
  EXPECT_THAT(text, HasSubstr("What to do: leave them out (--where validity=VALID)"));
}

TEST(ValidityTest, WhatDidNotEndOkIsAGapWithAdvice) {
  auto cases = ep_cases();
  cases[0].status = "out_of_memory";
  cases[1].status = "timed_out";
  cases[1].validity = "INVALID: of a case that is left out";
  const std::string text = validity_of(cases);
  EXPECT_THAT(text, StartsWith("VALID, with gaps: 2 of 20 cases left out (1 out_of_memory, 1 "
                               "timed_out); 18 cases ok"));
  EXPECT_THAT(text, HasSubstr("out_of_memory: take fewer"));
  EXPECT_THAT(text, HasSubstr("timed_out: raise case_time_limit_seconds"));
  EXPECT_THAT(text, Not(HasSubstr("diverged")));
}

TEST(ValidityTest, NothingThatEndedIsNothingToTrust) {
  auto cases = ep_cases();
  for (EpCase& row : cases)
    row.status = "failed";
  EXPECT_THAT(validity_of(cases), StartsWith("INVALID: no case ended ok; 20 of 20 cases left out "
                                             "(20 failed)."));
}

TEST(ValidityTest, PeaksMustRepeatOnTheCpuOnly) {
  auto cases = ep_cases();
  cases[2].memory_repeats = 0;
  cases[2].device = "cpu";
  EXPECT_THAT(validity_of(cases),
              StartsWith("INVALID: the peak of 1 case differs between repeats."));
  cases[2].device = "cuda:0";
  EXPECT_THAT(validity_of(cases), StartsWith("VALID: "));
}

TEST(ValidityTest, NoiseIsToldWithWhatHelps) {
  auto cases = ep_cases();
  cases[2].step_seconds_upper = 2 * cases[2].step_seconds;
  const std::string text = validity_of(cases);
  EXPECT_THAT(text, StartsWith("VALID: "));
  EXPECT_THAT(text, HasSubstr("widest interval 105.0 %"));
  EXPECT_THAT(text, HasSubstr("1 case with an interval above 10 %"));
  EXPECT_THAT(validity_of(ep_cases()), Not(HasSubstr("What to do")));
}

TEST(ValidityTest, FewRepeatsAreSaidToCoverLess) {
  auto cases = ep_cases();
  cases[2].repeats = 3;
  EXPECT_THAT(validity_of(cases), HasSubstr("under 6 repeats it covers the median with less"));
  for (EpCase& row : cases)
    row.repeats = 1;
  EXPECT_THAT(validity_of(cases), HasSubstr("1 repeat each (one repeat carries no interval)"));
}

TEST(ValidityTest, EveryTableWithFiguresHasALine) {
  for (const Table& table : tables_of(example_run())) {
    const bool has_figures = table.title != "Validity";
    EXPECT_THAT(table.validity, StartsWith(has_figures ? "VALID" : "")) << table.title;
  }
}

} // namespace
} // namespace peakbench::report
