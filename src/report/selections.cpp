#include "report/selections.h"

#include <set>

#include "report/numbers.h"

namespace peakbench::report {

namespace {

Table selections_table(const results::RunData& run) {
  Table table;
  table.title = "Rows chosen when the files were merged";
  table.columns = {{"file", "", true}, {"condition", "", true}, {"chosen", ""}, {"of", ""}};
  for (const results::SourceRow& source : run.sources)
    if (!source.selection.empty())
      table.rows.push_back(
          {source.path, source.selection, count(source.kept_cases), count(source.cases)});
  table.notes.emplace_back("Cases that did not fulfil the condition were left out, whatever they "
                           "showed: the tables are about the others.");
  return table;
}

} // namespace

void mark_as_selection(std::vector<Table>& tables) {
  constexpr const char *kValid = "VALID", *kMark = ", a selection";
  for (Table& table : tables)
    for (std::size_t at = table.validity.find(kValid); at != std::string::npos;
         at = table.validity.find(kValid, at)) {
      const bool invalid = at >= 2 && table.validity.compare(at - 2, 2, "IN") == 0;
      at += std::string(kValid).size();
      // "--where validity=VALID" is advice, no verdict.
      const bool verdict = table.validity.compare(at, 1, ":") == 0 ||
                           table.validity.compare(at, 11, ", with gaps") == 0;
      if (verdict && !invalid)
        table.validity.insert(at, kMark);
    }
}

void add_selections(const results::RunData& run, std::vector<Table>& tables) {
  Table chosen = selections_table(run);
  if (chosen.rows.empty())
    return;
  mark_as_selection(tables);
  tables.push_back(std::move(chosen));
}

std::string selection_note(const results::RunData& run) {
  std::set<std::string> conditions;
  for (const results::SourceRow& source : run.sources)
    if (!source.selection.empty())
      conditions.insert(source.selection);
  std::string text;
  for (const std::string& one : conditions)
    text += (text.empty() ? "" : "; ") + one;
  return text.empty() ? "" : run.path + " holds only cases with " + text + ".";
}

} // namespace peakbench::report
