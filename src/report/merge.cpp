#include "report/merge.h"

#include <algorithm>
#include <map>

namespace peakbench::report {

namespace {

template <class Item>
void add(std::vector<Item>& all, std::vector<Item>& more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// `environment` is the number of a row in the file's own /environment.
template <class Row>
void renumber(std::vector<Row>& rows, std::int64_t rows_before) {
  for (Row& row : rows)
    if (row.environment >= 0)
      row.environment += rows_before;
}

// Launches are numbered file by file.
std::int64_t launches_of(const std::vector<results::RankRow>& ranks) {
  std::int64_t launches = 0;
  for (const results::RankRow& row : ranks)
    launches = std::max(launches, row.launch + 1);
  return launches;
}

using Holders = std::map<std::string, std::vector<std::string>>; // case id -> files

void add_duplicates(Table& table, const char* kind, const Holders& holders) {
  for (const auto& [id, files] : holders) {
    if (files.size() < 2)
      continue;
    std::string names;
    for (const std::string& file : files)
      names += (names.empty() ? "" : ", ") + file;
    table.rows.push_back({id, kind, std::to_string(files.size()), names});
  }
}

} // namespace

Merged merge(std::vector<results::RunData> runs) {
  Holders eab, ep, comm, scaling;
  for (const results::RunData& run : runs) {
    for (const auto& row : run.eab)
      eab[row.case_id].push_back(run.path);
    for (const auto& row : run.ep)
      ep[row.case_id].push_back(run.path);
    for (const auto& row : run.comm)
      comm[row.case_id].push_back(run.path);
    for (const auto& row : run.scaling)
      scaling[row.case_id].push_back(run.path);
  }
  Merged merged{std::move(runs.front()), {}};
  for (std::size_t index = 1; index < runs.size(); ++index) {
    results::RunData& more = runs[index];
    merged.run.path += ", " + more.path;
    const auto rows_before = static_cast<std::int64_t>(merged.run.environment.size());
    renumber(more.eab, rows_before);
    renumber(more.ep, rows_before);
    renumber(more.comm, rows_before);
    renumber(more.scaling, rows_before);
    renumber(more.ranks, rows_before);
    add(merged.run.environment, more.environment);
    add(merged.run.eab, more.eab);
    add(merged.run.ep, more.ep);
    add(merged.run.eab_repeats, more.eab_repeats);
    add(merged.run.ep_repeats, more.ep_repeats);
    add(merged.run.ep_components, more.ep_components);
    add(merged.run.ep_operations, more.ep_operations);
    add(merged.run.ep_training, more.ep_training);
    add(merged.run.comm, more.comm);
    add(merged.run.comm_repeats, more.comm_repeats);
    add(merged.run.scaling, more.scaling);
    add(merged.run.scaling_repeats, more.scaling_repeats);
    const std::int64_t launches = launches_of(merged.run.ranks);
    for (results::RankRow& row : more.ranks)
      row.launch += launches;
    add(merged.run.ranks, more.ranks);
  }
  Table table{"Cases in several files",
              {{"case", "", true}, {"kind", "", true}, {"rows", ""}, {"files", "", true}},
              {},
              {}};
  add_duplicates(table, "EAB", eab);
  add_duplicates(table, "EP", ep);
  add_duplicates(table, "comm", comm);
  add_duplicates(table, "scaling", scaling);
  table.notes.push_back("Every one of these rows counts in the medians.");
  if (!table.rows.empty())
    merged.duplicates.push_back(std::move(table));
  return merged;
}

} // namespace peakbench::report
