#include "report/query_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "base/statistics.h"

namespace peakbench::report {

namespace {

using results::Value;
constexpr int kValuesForInterval = 6; // fewer cannot carry a 95 % interval

// Which rows are of which group, groups in the order of their values.
struct Members {
  std::vector<std::vector<std::size_t>> rows;
};

Members members_of(const std::vector<QueryColumn>& by, std::size_t rows) {
  Members members;
  std::unordered_map<std::string, std::size_t> group_of;
  for (std::size_t row = 0; row < rows; ++row) {
    std::string key;
    for (const QueryColumn& column : by) {
      const std::string text = results::text_of(column.values[row]);
      key += fmt::format("{}:{}", text.size(), text); // no two settings look alike
    }
    const auto [found, is_new] = group_of.try_emplace(std::move(key), members.rows.size());
    if (is_new)
      members.rows.emplace_back();
    members.rows[found->second].push_back(row);
  }
  std::ranges::sort(members.rows, [&](const auto& a, const auto& b) {
    for (const QueryColumn& column : by)
      if (const int sign = compare_values(column.values[a.front()], column.values[b.front()]);
          sign != 0)
        return sign < 0;
    return false;
  });
  return members;
}

double real_of(const Value& value) {
  if (results::is_absent(value))
    return results::kAbsentReal;
  if (const auto* whole = std::get_if<std::int64_t>(&value))
    return static_cast<double>(*whole);
  return std::get<double>(value);
}

void add_numbers(Groups& groups, const QueryColumn& column, const Members& members) {
  QueryColumn median{column.name, column.unit, false, {}};
  QueryColumn lower{column.name + " lower", column.unit, false, {}};
  QueryColumn upper{column.name + " upper", column.unit, false, {}};
  QueryColumn counts{column.name + " n", "", false, {}};
  bool all_counted = true;
  for (const auto& rows : members.rows) {
    std::vector<double> values;
    for (const std::size_t row : rows)
      if (const double value = real_of(column.values[row]); !std::isnan(value))
        values.push_back(value);
    const Summary summary = summarize(values);
    const bool interval = summary.count > 1;
    median.values.emplace_back(values.empty() ? results::kAbsentReal : summary.median);
    lower.values.emplace_back(interval ? summary.lower : results::kAbsentReal);
    upper.values.emplace_back(interval ? summary.upper : results::kAbsentReal);
    counts.values.emplace_back(std::int64_t{summary.count});
    all_counted = all_counted && values.size() == rows.size();
    groups.has_intervals = groups.has_intervals || interval;
    groups.has_few = groups.has_few || (interval && summary.count < kValuesForInterval);
  }
  for (QueryColumn* one : {&median, &lower, &upper})
    groups.columns.push_back(std::move(*one));
  if (!all_counted)
    groups.columns.push_back(std::move(counts));
}

void add_texts(Groups& groups, const QueryColumn& column, const Members& members) {
  QueryColumn common{column.name, column.unit, true, {}};
  for (const auto& rows : members.rows) {
    std::unordered_set<std::string_view> different;
    for (const std::size_t row : rows)
      different.insert(std::get<std::string>(column.values[row]));
    common.values.emplace_back(different.size() == 1
                                   ? std::string(*different.begin())
                                   : fmt::format("{} different", different.size()));
  }
  groups.columns.push_back(std::move(common));
}

} // namespace

std::vector<QueryColumn> query_columns(const results::RunData& run, std::string_view kind,
                                       const std::vector<std::string>& names) {
  std::vector<QueryColumn> columns;
  visit_rows(run, kind, [&]<class Record>(const std::vector<Record>& rows) {
    for (const std::string& name : names)
      for (const auto& field : results::fields<Record>()) {
        if (field.name != name)
          continue;
        using Text = typename results::Field<Record>::Text;
        QueryColumn column{
            name, std::string(field.unit), std::holds_alternative<Text>(field.get), {}};
        column.values.reserve(rows.size());
        for (const Record& row : rows)
          column.values.push_back(results::value_of(field, row));
        columns.push_back(std::move(column));
      }
  });
  return columns;
}

int compare_values(const Value& a, const Value& b, bool falling) {
  const bool no_a = results::is_absent(a), no_b = results::is_absent(b);
  if (no_a || no_b)
    return static_cast<int>(no_a) - static_cast<int>(no_b);
  const int sign = a < b ? -1 : static_cast<int>(b < a);
  return falling ? -sign : sign;
}

Groups grouped(const std::vector<QueryColumn>& by, const std::vector<QueryColumn>& others,
               std::size_t rows) {
  const Members members = members_of(by, rows);
  Groups groups;
  groups.count = members.rows.size();
  for (const QueryColumn& column : by) {
    QueryColumn of_groups{column.name, column.unit, column.is_text, {}};
    for (const auto& group : members.rows)
      of_groups.values.push_back(column.values[group.front()]);
    groups.columns.push_back(std::move(of_groups));
  }
  QueryColumn counts{std::string(kGroupCount), "", false, {}};
  for (const auto& group : members.rows)
    counts.values.emplace_back(static_cast<std::int64_t>(group.size()));
  groups.columns.push_back(std::move(counts));
  for (const QueryColumn& column : others)
    column.is_text ? add_texts(groups, column, members) : add_numbers(groups, column, members);
  return groups;
}

} // namespace peakbench::report
