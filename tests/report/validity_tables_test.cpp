#include <gtest/gtest.h>

#include "report/examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using namespace testing;

TEST(ValidityTablesTest, AllWell) {
  const auto tables = validity_tables(example_run());
  ASSERT_EQ(tables.size(), 1u);
  EXPECT_EQ(cell(tables[0], {"EAB"}, "all"), "15");
  EXPECT_EQ(cell(tables[0], {"EAB"}, "ok"), "15");
  EXPECT_EQ(cell(tables[0], {"EP"}, "ok"), "20");
  EXPECT_EQ(cell(tables[0], {"EP"}, "INVALID"), "0");
  EXPECT_TRUE(tables[0].notes.empty());
}

TEST(ValidityTablesTest, WhatIsNotOkIsNamedWithItsReason) {
  results::RunData run = example_run();
  run.eab[0].status = "out_of_memory";
  run.eab[0].reason = "needs 3 GB,\nhas 2";
  run.ep[3].validity = "INVALID: gradient error 0.4 is above 0.01";
  run.ep[5].status = "skipped";
  const auto tables = validity_tables(run);
  ASSERT_EQ(tables.size(), 2u);
  EXPECT_EQ(cell(tables[0], {"EAB"}, "out_of_memory"), "1");
  EXPECT_EQ(cell(tables[0], {"EAB"}, "ok"), "14");
  EXPECT_EQ(cell(tables[0], {"EP"}, "INVALID"), "1");
  EXPECT_EQ(cell(tables[0], {"EP"}, "skipped"), "1");
  ASSERT_EQ(tables[1].rows.size(), 3u);
  EXPECT_EQ(cell(tables[1], {run.eab[0].case_id}, "reason"), run.eab[0].reason);
  EXPECT_EQ(cell(tables[1], {run.eab[0].case_id}, "what"), "naive per_path, prompt a");
  EXPECT_EQ(cell(tables[1], {run.ep[3].case_id}, "reason"), run.ep[3].validity);
  EXPECT_EQ(cell(tables[1], {run.ep[5].case_id}, "status"), "skipped");
}

TEST(ValidityTablesTest, NoiseAndRandomWeightsAreSaid) {
  results::RunData run = example_run();
  run.eab[1].weights = "random";
  run.eab[2].wall_seconds_upper *= 2;
  run.ep[0].memory_repeats = 0;
  run.ep[1].repeats = 3;
  const auto tables = validity_tables(run);
  EXPECT_EQ(cell(tables[0], {"EAB"}, "interval above 10 %"), "1");
  EXPECT_EQ(cell(tables[0], {"EP"}, "peak differs between repeats"), "1");
  EXPECT_TRUE(has_note(tables[0], "weights = random"));
  EXPECT_TRUE(has_note(tables[0], "fewer than 6 repeats"));
  EXPECT_TRUE(has_note(tables[0], "Wide intervals"));
}

TEST(ValidityTablesTest, ARunOfFailuresOnlyStillReports) {
  results::RunData run = example_run();
  for (auto& row : run.eab)
    row = [&] {
      results::EabCase failed;
      failed.case_id = row.case_id;
      failed.arm = row.arm;
      failed.decode = row.decode;
      failed.status = "failed";
      failed.reason = "no such tensor";
      return failed;
    }();
  run.ep.clear();
  const auto tables = tables_of(run, true);
  const std::string text = render(tables, Format::text);
  EXPECT_NE(text.find("no such tensor"), std::string::npos);
  EXPECT_EQ(text.find("nan"), std::string::npos);
  EXPECT_EQ(cell(tables.front(), {"cow"}, "wall time"), "-");
}

} // namespace
} // namespace peakbench::report
