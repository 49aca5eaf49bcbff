// Where the peak is, and what it is made of.
#include <fmt/format.h>

#include <array>
#include <set>

#include "report/eab_arms.h"
#include "report/ep_depths.h"
#include "report/sections.h"
#include "report/timeline_parts.h"
#include "report/validity.h"

namespace peakbench::report {

namespace {

using results::EabCase;
using results::EpCase;
using results::PeakByTag;

constexpr std::size_t kMostRows = 40;

template <class Record>
bool recorded(const Record& record) {
  return record.status == "ok" && record.timeline_peak_bytes != results::kAbsent;
}

// The case of the greatest peak, of those that were recorded; null if none was.
template <class Record>
const Record* greatest_of(const Rows<Record>& rows) {
  const Record* greatest = nullptr;
  for (const Record* row : rows)
    if (recorded(*row) && (!greatest || row->peak_bytes > greatest->peak_bytes))
      greatest = row;
  return greatest;
}

// The tags that any of the peaks has bytes of.
template <class Record>
std::vector<std::size_t> tags_in(const std::vector<const Record*>& shown) {
  std::vector<std::size_t> tags;
  for (std::size_t tag = 0; tag < results::kTagMembers.size(); ++tag)
    for (const Record* row : shown)
      if (row->peak.*results::kTagMembers[tag] != 0) {
        tags.push_back(tag);
        break;
      }
  return tags;
}

template <class Record>
void judge(const Rows<Record>& timelines, Table& table) {
  const auto different = std::ranges::count_if(
      timelines, [](const Record* row) { return row->timeline_peak_bytes != row->peak_bytes; });
  table.validity =
      different == 0
          ? validity_of(timelines) + fmt::format(" The greatest total of each of the {} timelines "
                                                 "is the reported peak, to the byte.",
                                                 timelines.size())
          : fmt::format("INVALID: of {} timelines {} have another greatest total than the "
                        "reported peak (compare timeline_peak_bytes with peak_bytes); run these "
                        "cases again with --timeline.",
                        timelines.size(), different);
}

// `rows`: for each of its cells about the case, and the case.
template <class Record>
struct Shown {
  std::vector<std::string> cells;
  const Record* record = nullptr;
};

template <class Record>
std::vector<Table> table_of_peaks(const std::string& title, std::size_t settings,
                                  std::vector<Column> columns,
                                  const std::vector<Shown<Record>>& all,
                                  const std::vector<Record>& cases, const std::string& note) {
  if (all.empty())
    return {};
  std::vector<const Record*> records;
  for (const Shown<Record>& one : all)
    records.push_back(one.record);
  const std::vector<std::size_t> tags = tags_in(records);
  Table table;
  table.title = title;
  table.settings = settings;
  table.columns = std::move(columns);
  for (const Column& column : {Column{"at", "s"}, Column{"phase", "", true}, Column{"peak", "MB"}})
    table.columns.push_back(column);
  for (const std::size_t tag : tags) {
    std::string name = results::kTagNames[tag];
    std::ranges::replace(name, '_', ' ');
    table.columns.push_back({name, "MB"});
  }
  for (const Shown<Record>& one : all) {
    if (table.rows.size() == kMostRows)
      break;
    const Record& row = *one.record;
    std::vector<std::string> cells = one.cells;
    cells.insert(cells.end(), {number(row.timeline_peak_seconds),
                               row.timeline_peak_phase.empty() ? "start" : row.timeline_peak_phase,
                               number(megabytes(row.peak_bytes))});
    for (const std::size_t tag : tags)
      cells.push_back(number(megabytes(row.peak.*results::kTagMembers[tag])));
    table.rows.push_back(std::move(cells));
  }
  table.notes.push_back(note);
  if (all.size() > kMostRows)
    table.notes.push_back(fmt::format("{} more rows are left out: the columns timeline_peak_* and "
                                      "peak_*_bytes of --rows have all of them.",
                                      all.size() - kMostRows));
  Rows<Record> timelines;
  for (const Record& row : cases)
    if (recorded(row))
      timelines.push_back(&row);
  judge(timelines, table);
  return {table};
}

} // namespace

std::vector<Table> eab_timeline_tables(const std::vector<EabCase>& cases) {
  if (std::ranges::none_of(cases, recorded<EabCase>))
    return {};
  const EabGrouping grouping = group_rows(cases, kEabCompared);
  std::vector<Shown<EabCase>> all;
  for (const auto& group : grouping.groups)
    for (const ArmDecode& which : kEabOrder)
      if (const EabCase* const row = greatest_of(rows_of(group.rows, which)))
        all.push_back({joined(group.setting, {row->arm, row->decode, row->prompt_id}), row});
  std::vector<Column> columns = grouping.columns;
  columns.insert(columns.end(), {{"arm", "", true}, {"decode", "", true}, {"prompt", "", true}});
  return table_of_peaks("EAB: where the peak is", grouping.columns.size(), columns, all, cases,
                        "Of each arm the case with the greatest peak, beyond the weights. At: "
                        "since the start of the recorded repeat (run --timeline).");
}

std::vector<Table> ep_timeline_tables(const std::vector<EpCase>& cases) {
  if (std::ranges::none_of(cases, recorded<EpCase>))
    return {};
  const auto grouping = group_rows(cases, kEpCompared);
  std::vector<Shown<EpCase>> all;
  for (const auto& group : grouping.groups) {
    for (const std::string& arm : arms_of(group.rows))
      if (const EpCase* const row = greatest_of(rows_of(group.rows, arm)))
        all.push_back({joined(group.setting, {arm, count(row->depth)}), row});
  }
  std::vector<Column> columns = grouping.columns;
  columns.insert(columns.end(), {{"arm", "", true}, {"depth", "layers"}});
  return table_of_peaks("EP: where the peak is", grouping.columns.size(), columns, all, cases,
                        "Of each arm the case with the greatest peak, with the weights and all. "
                        "At: since the start of the recorded repeat of "
                        "a training step (run --timeline).");
}

} // namespace peakbench::report
