#include "report/query.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "report/kinds.h"
#include "report/numbers.h"
#include "report/query_groups.h"
#include "report/render.h"
#include "report/validity.h"

namespace peakbench::report {

namespace {

bool is_pattern(const std::string& name) { return name.find_first_of("*?[") != name.npos; }

bool matches(const std::string& pattern, const std::string& name) {
  return is_pattern(pattern) ? fnmatch(pattern.c_str(), name.c_str(), 0) == 0 : pattern == name;
}

struct SortKey {
  std::string column;
  bool falling = false;
};

std::vector<SortKey> sort_keys(const std::vector<std::string>& names) {
  std::vector<SortKey> keys;
  for (const std::string& name : names) {
    const bool falling = name.starts_with('-');
    keys.push_back({falling ? name.substr(1) : name, falling});
  }
  return keys;
}

// Every column that the query names, but for those of its result.
std::vector<std::pair<const char*, std::string>> mentioned(const Query& query) {
  std::vector<std::pair<const char*, std::string>> names;
  for (const std::string& name : query.columns)
    names.emplace_back("--columns", name);
  for (const std::string& name : query.group_by)
    names.emplace_back("--group-by", name);
  for (const SortKey& key : sort_keys(query.sort))
    if (query.group_by.empty() || key.column != kGroupCount)
      names.emplace_back("--sort", key.column);
  return names;
}

bool kind_matches(std::string_view kind, const std::string& name) {
  return std::ranges::any_of(columns_of_kind(kind),
                             [&](const ColumnOfKind& one) { return matches(name, one.name); });
}

std::vector<std::string> expanded(std::string_view kind, const std::vector<std::string>& names,
                                  const char* option) {
  std::vector<std::string> all;
  for (const std::string& name : names) {
    bool found = false;
    for (const ColumnOfKind& one : columns_of_kind(kind))
      if (matches(name, one.name)) {
        found = true;
        if (std::ranges::find(all, one.name) == all.end())
          all.push_back(one.name);
      }
    if (!found)
      refuse_column(option, name, {std::string(kind)});
  }
  return all;
}

std::size_t rows_of(const results::RunData& run, std::string_view kind) {
  std::size_t count = 0;
  visit_rows(run, kind, [&](const auto& rows) { count = rows.size(); });
  return count;
}

// Sorted by the columns of the keys; equal rows keep their order.
std::vector<std::size_t> order_of(const std::vector<SortKey>& keys,
                                  const std::vector<QueryColumn>& columns, std::size_t rows) {
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), 0u);
  std::vector<std::pair<const std::vector<results::Value>*, bool>> by;
  for (const SortKey& key : keys)
    by.emplace_back(&std::ranges::find(columns, key.column, &QueryColumn::name)->values,
                    key.falling);
  if (by.empty())
    return order;
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    for (const auto& [values, falling] : by)
      if (const int sign = compare_values((*values)[a], (*values)[b], falling); sign != 0)
        return sign < 0;
    return false;
  });
  return order;
}

void fill_rows(Table& table, const std::vector<QueryColumn>& shown,
               const std::vector<std::size_t>& order, std::int64_t limit) {
  const std::size_t count =
      limit < 0 ? order.size() : std::min(order.size(), static_cast<std::size_t>(limit));
  table.rows.reserve(count);
  for (std::size_t at = 0; at < count; ++at) {
    std::vector<std::string> cells;
    cells.reserve(shown.size());
    for (const QueryColumn& column : shown) {
      std::string text = results::text_of(column.values[order[at]]);
      cells.push_back(text.empty() ? kNothing : std::move(text));
    }
    table.rows.push_back(std::move(cells));
  }
  if (count < order.size())
    table.notes.push_back(fmt::format("The first {} of {} rows.", count, order.size()));
}

void add_headings(Table& table, const std::vector<QueryColumn>& shown) {
  for (const QueryColumn& column : shown)
    table.columns.push_back({column.name, column.unit == "1" ? "" : column.unit, column.is_text});
}

Table rows_table(const results::RunData& run, const std::string& kind, const Query& query) {
  const std::vector<std::string> names = expanded(
      kind, query.columns.empty() ? std::vector<std::string>{"*"} : query.columns, "--columns");
  std::vector<SortKey> keys;
  std::vector<std::string> sorted_by;
  for (const SortKey& key : sort_keys(query.sort))
    for (const std::string& name : expanded(kind, {key.column}, "--sort")) {
      keys.push_back({name, key.falling});
      sorted_by.push_back(name);
    }
  const std::vector<QueryColumn> shown = query_columns(run, kind, names);
  const std::size_t rows = rows_of(run, kind);
  Table table;
  table.title = fmt::format("{}: {} rows", kind, rows);
  add_headings(table, shown);
  fill_rows(table, shown, order_of(keys, query_columns(run, kind, sorted_by), rows), query.limit);
  return table;
}

// What is asked of a group if nothing else is said.
std::vector<std::string> usual_columns(std::string_view kind) {
  if (kind == "eab")
    return {"wall_seconds", "peak_bytes"};
  if (kind == "ep")
    return {"step_seconds", "peak_beyond_weights_bytes"};
  if (kind == "comm")
    return {"seconds", "bus_bandwidth"};
  if (kind == "scaling")
    return {"seconds", "cases_per_second"};
  std::vector<std::string> names;
  for (const ColumnOfKind& column : columns_of_kind(kind))
    if (!column.is_text && column.role == "measured" && column.name != "source")
      names.push_back(column.name);
  return names;
}

Table groups_table(const results::RunData& run, const std::string& kind, const Query& query) {
  const std::vector<std::string> by = expanded(kind, query.group_by, "--group-by");
  std::vector<std::string> names =
      expanded(kind, query.columns.empty() ? usual_columns(kind) : query.columns, "--columns");
  std::erase_if(names, [&](const std::string& name) {
    return std::ranges::find(by, name) != by.end(); // it is there already
  });
  const Groups groups =
      grouped(query_columns(run, kind, by), query_columns(run, kind, names), rows_of(run, kind));
  const std::vector<SortKey> keys = sort_keys(query.sort);
  for (const SortKey& key : keys)
    if (std::ranges::find(groups.columns, key.column, &QueryColumn::name) == groups.columns.end())
      throw UserError(fmt::format("--sort: no column {} in the table of groups", key.column), "",
                      "Add it to --columns or --group-by.");
  Table table;
  table.title = fmt::format("{} by {}: {} rows in {} groups", kind, fmt::join(by, ", "),
                            rows_of(run, kind), groups.count);
  table.settings = by.size();
  add_headings(table, groups.columns);
  fill_rows(table, groups.columns, order_of(keys, groups.columns, groups.count), query.limit);
  if (groups.has_intervals)
    table.notes.push_back(
        "n: rows of the group. Medians over them, lower and upper: their distribution-free 95 % "
        "interval.");
  if (groups.has_few)
    table.notes.push_back("Of fewer than 6 values the interval is [least, greatest] and covers the "
                          "median with less than 95 %.");
  return table;
}

} // namespace

std::vector<std::string> names_in(const std::vector<std::string>& lists) {
  std::vector<std::string> names;
  for (const std::string& list : lists)
    for (std::size_t start = 0; start <= list.size();) {
      const std::size_t end = std::min(list.find(',', start), list.size());
      std::string name = list.substr(start, end - start);
      name.erase(0, std::min(name.find_first_not_of(" \t"), name.size()));
      name.erase(name.find_last_not_of(" \t") + 1);
      if (name.empty() || name == "-")
        throw UserError(fmt::format("\"{}\" is no list of columns", list),
                        fmt::format("there is no name at character {}", start + 1), "");
      names.push_back(std::move(name));
      start = end + 1;
    }
  return names;
}

std::string kind_of(const Query& query, const results::RunData& run) {
  if (!query.kind.empty())
    return std::string(kind_named(query.kind).name);
  const auto names = mentioned(query);
  const auto fits = [&](const Kind& kind) {
    return std::ranges::all_of(
        names, [&](const auto& name) { return kind_matches(kind.name, name.second); });
  };
  for (const bool of_cases : {true, false}) {
    std::vector<std::string> fitting, with_rows;
    for (const Kind& kind : kinds())
      if (kind.is_cases() == of_cases && fits(kind)) {
        fitting.emplace_back(kind.name);
        if (rows_of(run, kind.name) > 0)
          with_rows.emplace_back(kind.name);
      }
    if (with_rows.size() > 1)
      throw UserError("these columns are of several kinds of rows",
                      fmt::format("{} have them all", fmt::join(with_rows, ", ")),
                      "Choose one: --rows " + with_rows.front());
    if (!fitting.empty())
      return with_rows.empty() ? fitting.front() : with_rows.front();
  }
  std::vector<std::string> all;
  for (const Kind& kind : kinds())
    if (kind.is_cases())
      all.emplace_back(kind.name);
  for (const auto& [option, name] : names)
    if (std::ranges::none_of(kinds(),
                             [&](const Kind& kind) { return kind_matches(kind.name, name); }))
      refuse_column(option, name, all);
  std::vector<std::string> where;
  for (const auto& [option, name] : names) {
    std::vector<std::string_view> having;
    for (const Kind& kind : kinds())
      if (kind_matches(kind.name, name))
        having.push_back(kind.name);
    where.push_back(fmt::format("{} is of {}", name, fmt::join(having, ", ")));
  }
  throw UserError("no kind of rows has all these columns",
                  fmt::format("{}", fmt::join(where, "; ")),
                  "Leave one out, or ask for each kind alone.");
}

Table query_table(const results::RunData& run, const Query& query) {
  const std::string kind = kind_of(query, run);
  Table table =
      query.group_by.empty() ? rows_table(run, kind, query) : groups_table(run, kind, query);
  visit_rows(run, kind, [&]<class Record>(const std::vector<Record>& rows) {
    if constexpr (requires { Record::validity; })
      table.validity = validity_of(rows);
  });
  return table;
}

std::vector<Table> column_tables(const std::string& kind) {
  std::vector<Table> tables;
  if (!kind.empty())
    kind_named(kind);
  for (const Kind& one : kinds()) {
    if (!kind.empty() && one.name != kind)
      continue;
    Table table;
    table.title = fmt::format("Columns of {}", one.name);
    table.columns = {
        {"column", "", true}, {"unit", "", true}, {"role", "", true}, {"description", "", true}};
    for (const ColumnOfKind& column : columns_of_kind(one.name))
      table.rows.push_back({column.name, column.unit.empty() ? kNothing : column.unit, column.role,
                            column.description});
    tables.push_back(std::move(table));
  }
  return tables;
}

std::string plain_csv(const Table& table) {
  std::string text;
  for (const Column& column : table.columns)
    text += (text.empty() ? "" : ",") + csv_cell(column.title);
  text += "\n";
  for (const auto& row : table.rows) {
    for (std::size_t index = 0; index < row.size(); ++index)
      text += (index ? "," : "") + (row[index] == kNothing ? "" : csv_cell(row[index]));
    text += "\n";
  }
  return text;
}

} // namespace peakbench::report
