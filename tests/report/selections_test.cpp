#include "report/selections.h"

#include <gmock/gmock.h>

#include "report/examples.h"

namespace peakbench::report {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string marked(const std::string& validity) {
  Table table;
  table.validity = validity;
  std::vector<Table> tables{table};
  mark_as_selection(tables);
  return tables[0].validity;
}

TEST(Selections, ValidIsValidForWhatWasChosen) {
  EXPECT_EQ(marked("VALID: 3 cases ok."), "VALID, a selection: 3 cases ok.");
  EXPECT_EQ(marked("VALID, with gaps: 1 left out"), "VALID, a selection, with gaps: 1 left out");
  EXPECT_EQ(marked("EAB: VALID: a. EP: VALID: b."),
            "EAB: VALID, a selection: a. EP: VALID, a selection: b.");
  EXPECT_EQ(marked(""), "");
  const std::string once = marked("VALID: 3 cases ok.");
  EXPECT_EQ(marked(once), once);
}

TEST(Selections, InvalidAndAdviceStayAsTheyAre) {
  for (const char* text : {"INVALID: no case ended ok.",
                           "INVALID: x. What to do: leave them out (--where validity=VALID)."})
    EXPECT_EQ(marked(text), text);
}

TEST(Selections, TablesOfAFileOfChosenCasesSaySo) {
  results::RunData run = testing::example_run();
  const std::size_t whole = tables_of(run).size();
  run.sources.resize(2);
  run.sources[0].path = "a.h5";
  EXPECT_EQ(tables_of(run).size(), whole) << "merged, and whole";
  run.sources[1] = run.sources[0];
  run.sources[1].selection = "arm=cow";
  run.sources[1].cases = 40;
  run.sources[1].kept_cases = 10;
  EXPECT_EQ(selection_note(run), run.path + " holds only cases with arm=cow.");
  const std::vector<Table> tables = tables_of(run);
  ASSERT_EQ(tables.size(), whole + 1);
  for (const Table& table : tables)
    if (table.validity.starts_with("VALID")) {
      EXPECT_THAT(table.validity, StartsWith("VALID, a selection"));
    }
  ASSERT_EQ(tables.back().rows.size(), 1u);
  EXPECT_EQ(tables.back().rows[0], (std::vector<std::string>{"a.h5", "arm=cow", "10", "40"}));
}

} // namespace
} // namespace peakbench::report
