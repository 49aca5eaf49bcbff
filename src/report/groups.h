// Cases that differ in nothing but what a table compares.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "report/numbers.h"
#include "report/report.h"
#include "results/fields.h"

namespace peakbench::report {

template <class Record>
using Rows = std::vector<const Record*>;

// One setting: equal in every independent variable except those that the table compares or pools.
template <class Record>
struct Group {
  std::vector<std::string> setting; // values of the variables that differ between groups
  Rows<Record> rows;
};

template <class Record>
struct Grouping {
  std::vector<Column> columns; // of the variables that differ between groups
  std::vector<Group<Record>> groups;
};

// "branch factor 2, max paths 6": what tells a group from the others, but for what is told
// elsewhere.
template <class Record>
std::string setting_text(const Grouping<Record>& grouping, const Group<Record>& group,
                         std::initializer_list<std::string_view> told = {}) {
  std::string text;
  for (std::size_t i = 0; i < grouping.columns.size(); ++i)
    if (std::ranges::find(told, grouping.columns[i].title) == told.end())
      text += (text.empty() ? "" : ", ") + grouping.columns[i].title + " " + group.setting[i];
  return text;
}

// Numbers by value, everything else by letters.
bool setting_less(const std::vector<std::string>& a, const std::vector<std::string>& b);

// Groups come in the order of their settings, whatever the order in which ranks finished cases.
template <class Record>
Grouping<Record> group_rows(const std::vector<Record>& records,
                            std::span<const std::string_view> compared) {
  using results::text_of;
  using results::value_of;
  Grouping<Record> grouping;
  std::vector<const results::Field<Record>*> varying;
  for (const auto& field : results::fields<Record>()) {
    if (field.role != results::Role::independent || std::ranges::count(compared, field.name))
      continue;
    const auto differs = [&](const Record& record) {
      return text_of(value_of(field, record)) != text_of(value_of(field, records.front()));
    };
    if (std::ranges::none_of(records, differs))
      continue;
    varying.push_back(&field);
    std::string title(field.name);
    std::ranges::replace(title, '_', ' ');
    grouping.columns.push_back({title, "", true});
  }
  std::map<std::vector<std::string>, std::size_t> places;
  for (const Record& record : records) {
    std::vector<std::string> setting;
    for (const auto* field : varying)
      setting.push_back(text_of(value_of(*field, record)));
    const auto [place, is_new] = places.try_emplace(setting, grouping.groups.size());
    if (is_new)
      grouping.groups.push_back({std::move(setting), {}});
    grouping.groups[place->second].rows.push_back(&record);
  }
  std::ranges::stable_sort(grouping.groups, setting_less, &Group<Record>::setting);
  return grouping;
}

// What the variables are that do not differ, for a table's note.
template <class Record>
std::string common_setting(const std::vector<Record>& records,
                           std::span<const std::string_view> compared) {
  std::string text;
  for (const auto& field : results::fields<Record>()) {
    if (field.role != results::Role::independent || std::ranges::count(compared, field.name))
      continue;
    const std::string value = results::text_of(results::value_of(field, records.front()));
    const auto equal = [&](const Record& record) {
      return results::text_of(results::value_of(field, record)) == value;
    };
    if (value.empty() || !std::ranges::all_of(records, equal))
      continue;
    text += (text.empty() ? "" : ", ") + std::string(field.name) + " " + value;
  }
  return text;
}

// [setting..., rest...]
inline std::vector<std::string> joined(std::vector<std::string> setting,
                                       std::vector<std::string> rest) {
  setting.insert(setting.end(), rest.begin(), rest.end());
  return setting;
}

template <class Record>
Rows<Record> finished(const Rows<Record>& rows) {
  Rows<Record> ok;
  for (const Record* row : rows)
    if (row->status == "ok")
      ok.push_back(row);
  return ok;
}

// Median over rows of what `get` tells of one; NaN is left out.
template <class Record, class Get>
double median_over(const Rows<Record>& rows, Get get) {
  std::vector<double> values;
  for (const Record* row : rows)
    values.push_back(get(*row));
  return median(std::move(values));
}

// "5/6": finished of all.
template <class Record>
std::string share_finished(const Rows<Record>& rows) {
  return std::to_string(finished(rows).size()) + "/" + std::to_string(rows.size());
}

// Timed repeats behind the medians over these rows.
template <class Record>
std::string repeats_of(const Rows<Record>& rows) {
  std::int64_t repeats = 0;
  for (const Record* row : finished(rows))
    repeats += std::max<std::int64_t>(row->repeats, 0);
  return std::to_string(repeats);
}

// A table whose first columns name the setting of a row.
template <class Record>
Table table_of(const std::string& title, const Grouping<Record>& grouping,
               const std::vector<Column>& columns) {
  Table table;
  table.title = title;
  table.columns = grouping.columns;
  table.settings = grouping.columns.size();
  table.columns.insert(table.columns.end(), columns.begin(), columns.end());
  return table;
}

} // namespace peakbench::report
