// What a log shows of a comparison.
#include <gmock/gmock.h>

#include "report/compare.h"
#include "report/examples.h"

namespace peakbench::report {
namespace {

using ::testing::HasSubstr;

// Three EP cases of ten repeats each.
results::RunData run() {
  results::RunData run;
  for (const std::int64_t depth : {10, 100, 500}) {
    results::EpCase row = testing::ep_case("ep_fused", depth, 0.01, 1000000);
    row.case_id = "id" + std::to_string(depth);
    run.ep.push_back(row);
    for (int repeat = 0; repeat < 10; ++repeat)
      run.ep_repeats.push_back({row.case_id, repeat, 0.01 * (1 + repeat / 1000.0), 1, 1, 1});
  }
  return run;
}

std::string listed(const results::RunData& before, const results::RunData& now, bool every_case) {
  CompareOptions options;
  options.every_case = every_case;
  std::string titles;
  for (const Table& table : comparison_tables(compare(before, now, options)))
    if (table.title.ends_with("case by case"))
      titles += table.title + " " + std::to_string(table.rows.size()) + "\n";
  return titles;
}

TEST(CompareTables, ALogListsWhatChanged) {
  const results::RunData before = run();
  results::RunData now = before;
  EXPECT_EQ(listed(before, now, false), "");
  now.ep[1].peak_beyond_weights_bytes += 1;
  for (auto& repeat : now.ep_repeats)
    if (repeat.case_id == now.ep[0].case_id)
      repeat.seconds *= 2;
  EXPECT_EQ(listed(before, now, false), "Comparison of times: EP, case by case 1\n"
                                        "Comparison of peaks: EP, case by case 1\n");
  EXPECT_EQ(listed(before, now, true), "Comparison of times: EP, case by case 3\n"
                                       "Comparison of peaks: EP, case by case 3\n");
}

TEST(CompareTables, SaysHowManyItDoesNotList) {
  CompareOptions options;
  options.every_case = false;
  const results::RunData before = run();
  results::RunData now = before;
  now.ep[1].peak_beyond_weights_bytes += 1;
  const std::vector<Table> tables = comparison_tables(compare(before, now, options));
  EXPECT_THAT(tables.back().notes, ::testing::Contains(HasSubstr("Not listed: 2 cases")));
}

} // namespace
} // namespace peakbench::report
