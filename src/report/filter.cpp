#include "report/filter.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "report/kinds.h"

namespace peakbench::report {

namespace {

using Conditions = std::vector<Condition>;
using Marks = std::vector<char>; // which rows stay

template <class Record>
const results::Field<Record>* field_named(const std::string& name) {
  for (const auto& field : results::fields<Record>())
    if (field.name == name)
      return &field;
  return nullptr;
}

// One column at a time: the type of the column is looked at once, not row by row.
template <class Record>
void mark(const std::vector<Record>& rows, const results::Field<Record>& field,
          const Condition& condition, Marks& marks) {
  using Text = typename results::Field<Record>::Text;
  const Matcher matches(condition, std::holds_alternative<Text>(field.get));
  std::visit(
      [&](auto get) {
        // Getters serve writers too; nothing is written here.
        for (std::size_t i = 0; i < rows.size(); ++i)
          marks[i] = marks[i] && matches(get(const_cast<Record&>(rows[i])));
      },
      field.get);
}

template <class Record>
void erase_unmarked(std::vector<Record>& rows, const Marks& marks) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (marks[i]) {
      if (kept != i)
        rows[kept] = std::move(rows[i]);
      ++kept;
    }
  rows.resize(kept);
}

// "arm is naive, cow": what the marked rows have there.
template <class Record>
std::string values_of(const std::vector<Record>& rows, const results::Field<Record>& field,
                      const Marks& marks) {
  constexpr std::size_t kShown = 8;
  std::vector<std::string> values;
  for (std::size_t i = 0; i < rows.size() && values.size() <= kShown; ++i) {
    if (!marks[i])
      continue;
    std::string text = results::text_of(results::value_of(field, rows[i]));
    if (text.empty())
      text = "absent";
    if (std::ranges::find(values, text) == values.end())
      values.push_back(std::move(text));
  }
  const bool more = values.size() > kShown;
  values.resize(std::min(values.size(), kShown));
  return fmt::format("{} is {}{}", field.name, fmt::join(values, ", "), more ? ", ..." : "");
}

struct Marked {
  Marks marks;
  std::string lacking, emptied; // as in Kept
};

template <class Record>
Marked marked(const std::vector<Record>& rows, const Conditions& conditions) {
  const auto any = [](const Marks& marks) { return std::ranges::find(marks, 1) != marks.end(); };
  Marked result{Marks(rows.size(), 1), "", ""};
  for (const Condition& condition : conditions) {
    const auto* field = field_named<Record>(condition.column);
    if (!field)
      return {Marks(rows.size(), 0), condition.column, ""};
    const Marks before = result.marks;
    mark(rows, *field, condition, result.marks);
    if (any(before) && !any(result.marks))
      result.emptied = values_of(rows, *field, before);
  }
  return result;
}

template <class Record>
Marked filter_rows(std::vector<Record>& rows, const Conditions& conditions) {
  Marked result = marked(rows, conditions);
  erase_unmarked(rows, result.marks);
  return result;
}

// A case of a merged file is told by its id and the file that it came from.
using CaseKey = std::pair<std::string_view, std::int64_t>;
struct CaseHash {
  std::size_t operator()(const CaseKey& key) const {
    return std::hash<std::string_view>()(key.first) ^ static_cast<std::size_t>(key.second) * 31;
  }
};
using CaseKeys = std::unordered_set<CaseKey, CaseHash>;

template <class Record>
void add_keys(const std::vector<Record>& rows, CaseKeys& keys) {
  if constexpr (requires {
                  Record::case_id;
                  Record::source;
                }) {
    keys.reserve(rows.size());
    for (const Record& row : rows)
      keys.insert({row.case_id, row.source});
  }
}

template <class Record>
void keep_of_cases(std::vector<Record>& rows, const CaseKeys& keys) {
  if constexpr (requires {
                  Record::case_id;
                  Record::source;
                })
    std::erase_if(rows, [&](const Record& row) {
      return !keys.contains({row.case_id, row.source});
    });
}

// Against the columns, before there are any rows.
void check(const Condition& condition, const std::vector<std::string>& searched) {
  bool found = false;
  for (const std::string& kind : searched)
    for (const ColumnOfKind& column : columns_of_kind(kind))
      if (column.name == condition.column) {
        found = true;
        Matcher(condition, column.is_text);
      }
  if (!found)
    refuse_column(condition.place, condition.column, searched);
}

} // namespace

Filter::Filter(Conditions conditions, const std::string& focus) {
  std::vector<std::string> searched;
  if (!focus.empty() && !kind_named(focus).is_cases())
    focus_ = searched.emplace_back(focus);
  for (const Kind& kind : kinds())
    if (kind.is_cases())
      searched.emplace_back(kind.name);
  for (Condition& condition : conditions) {
    check(condition, searched);
    const bool own = !focus_.empty() && has_column(focus_, condition.column);
    (own ? of_rows_ : of_cases_).push_back(std::move(condition));
  }
}

std::vector<Kept> Filter::apply(results::RunData& run) const {
  std::vector<Kept> kept;
  CaseKeys keys; // of the cases of the kind that was visited last
  for_each_kind([&]<class Record>(const Kind& kind, std::vector<Record> results::RunData::*member) {
    std::vector<Record>& rows = run.*member;
    const std::size_t all = rows.size();
    Marked left;
    if (!of_cases_.empty() && kind.is_cases()) {
      left = filter_rows(rows, of_cases_);
      keys.clear();
      add_keys(rows, keys);
    } else if (!of_cases_.empty() && !kind.cases.empty()) {
      keep_of_cases(rows, keys);
    }
    if (kind.name == focus_)
      left = filter_rows(rows, of_rows_);
    const bool concerned = kind.is_cases() ? !of_cases_.empty() : kind.name == focus_;
    if (all > 0 && concerned && !empty())
      kept.push_back({std::string(kind.name), rows.size(), all, left.lacking, left.emptied});
  });
  return kept;
}

std::vector<char> Filter::marks_of_cases(const results::RunData& rows) const {
  std::vector<char> marks;
  for_each_kind([&]<class Record>(const Kind& kind, std::vector<Record> results::RunData::*member) {
    if (kind.is_cases() && !(rows.*member).empty())
      marks = marked(rows.*member, of_cases_).marks;
  });
  return marks;
}

} // namespace peakbench::report
