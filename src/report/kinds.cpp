#include "report/kinds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/closest.h"
#include "base/error.h"

namespace peakbench::report {

namespace {

std::vector<std::string> names_of_kinds() {
  std::vector<std::string> names;
  for (const Kind& kind : kinds())
    names.emplace_back(kind.name);
  return names;
}

std::string role_name(results::Role role) {
  return role == results::Role::id            ? "id"
         : role == results::Role::independent ? "independent"
                                              : "measured";
}

} // namespace

std::vector<Kind> kinds() {
  std::vector<Kind> all;
  for_each_kind([&](const Kind& kind, auto) { all.push_back(kind); });
  return all;
}

Kind kind_named(std::string_view name) {
  for (const Kind& kind : kinds())
    if (kind.name == name)
      return kind;
  const std::vector<std::string> names = names_of_kinds();
  const std::string guess = closest(name, names);
  throw UserError(fmt::format("no rows of kind \"{}\"", name),
                  guess.empty() ? "" : fmt::format("did you mean {}?", guess),
                  fmt::format("There are {}.", fmt::join(names, ", ")));
}

std::vector<ColumnOfKind> columns_of_kind(std::string_view kind) {
  std::vector<ColumnOfKind> columns;
  kind_named(kind);
  for_each_kind([&]<class Record>(const Kind& one, std::vector<Record> results::RunData::*) {
    if (one.name != kind)
      return;
    using Text = typename results::Field<Record>::Text;
    for (const auto& field : results::fields<Record>())
      columns.push_back({std::string(field.name), std::string(field.unit),
                         results::description_of(field), role_name(field.role),
                         std::holds_alternative<Text>(field.get)});
  });
  return columns;
}

bool has_column(std::string_view kind, std::string_view column) {
  const auto columns = columns_of_kind(kind);
  return std::ranges::find(columns, column, &ColumnOfKind::name) != columns.end();
}

void refuse_column(const std::string& where, const std::string& column,
                   const std::vector<std::string>& searched) {
  std::vector<std::string> names, elsewhere;
  for (const std::string& kind : searched)
    for (const ColumnOfKind& one : columns_of_kind(kind))
      if (std::ranges::find(names, one.name) == names.end())
        names.push_back(one.name);
  for (const Kind& kind : kinds())
    if (has_column(kind.name, column))
      elsewhere.emplace_back(kind.name);
  const std::string guess = closest(column, names);
  std::string why, help = "--list-columns shows them all.";
  if (!elsewhere.empty())
    help = fmt::format("It is one of {}: choose with --rows.", fmt::join(elsewhere, ", "));
  else if (!guess.empty())
    why = "did you mean " + guess + "?";
  throw UserError(
      fmt::format("{}: no column {} in the rows of {}", where, column, fmt::join(searched, ", ")),
      why, help);
}

} // namespace peakbench::report
