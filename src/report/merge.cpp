#include "report/merge.h"

#include <algorithm>
#include <map>

#include "results/merge_runs.h"

namespace peakbench::report {

namespace {

std::string joined(const std::vector<std::string>& names, std::size_t most) {
  std::string text;
  for (std::size_t index = 0; index < std::min(most, names.size()); ++index)
    text += (index == 0 ? "" : ", ") + names[index];
  return names.size() > most ? text + ", and " + std::to_string(names.size() - most) + " more"
                             : text;
}

Table table_of(const std::vector<results::MergeDuplicate>& duplicates) {
  static const std::map<std::string, std::string> kKinds{
      {"eab", "EAB"}, {"ep", "EP"}, {"comm", "comm"}, {"scaling", "scaling"}};
  constexpr std::size_t kFilesShown = 8;
  Table table{"Cases in several files",
              {{"case", "", true}, {"kind", "", true}, {"rows", ""}, {"files", "", true}},
              {},
              {}};
  for (const results::MergeDuplicate& one : duplicates)
    table.rows.push_back({one.case_id, kKinds.at(one.kind), std::to_string(one.files.size()),
                          joined(one.files, kFilesShown)});
  table.notes.push_back("Every one of these rows counts in the medians.");
  return table;
}

} // namespace

Merged merge(std::vector<results::RunData> runs) {
  constexpr std::size_t kPathsShown = 4;
  std::vector<std::string> paths;
  for (const results::RunData& run : runs)
    paths.push_back(run.path);
  results::MergedRuns all = results::merge_runs(std::move(runs));
  Merged merged{std::move(all.run), {}, all.summary.repeated};
  merged.run.path = joined(paths, kPathsShown);
  if (!all.summary.duplicates.empty())
    merged.duplicates.push_back(table_of(all.summary.duplicates));
  return merged;
}

} // namespace peakbench::report
