#include "aggregate/selection.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "aggregate/options.h"
#include "base/error.h"
#include "report/kinds.h"

namespace peakbench::aggregate {

namespace {

constexpr const char* kGroup = "Rows and columns";

bool names_a_kind(const std::string& rows) { return rows != "tables" && rows != "all"; }

report::Filter filter_of(const Options& options) {
  // Of rows that are looked at the columns are their own first.
  return report::Filter(report::parse_where(options.selection.where),
                        names_a_kind(options.rows) ? options.rows : "");
}

} // namespace

void add_selection_options(CLI::App& app, Selection& selection) {
  app.add_option("--where", selection.where,
                 "only cases with these values, 'arm=cow|naive,wall_seconds>=0.5': column, one of "
                 "= != < <= > >= ~ !~ (~: pattern with * ?), values; a comma means and")
      ->allow_extra_args(false)
      ->group(kGroup);
  app.add_option("--columns", selection.columns,
                 "one table with these columns of one kind of rows, in full precision; 'peak*' is "
                 "every column of such a name")
      ->allow_extra_args(false)
      ->group(kGroup);
  app.add_option("--group-by", selection.group_by,
                 "a row per value of these columns: number of rows, median and 95 % interval of "
                 "--columns (else of time and memory)")
      ->allow_extra_args(false)
      ->group(kGroup);
  app.add_option("--sort", selection.sort, "order of that table's rows; -name: greatest first")
      ->allow_extra_args(false)
      ->group(kGroup);
  app.add_option("--limit", selection.limit, "so many rows of that table at most")
      ->check(CLI::NonNegativeNumber)
      ->group(kGroup);
  app.add_option("--list-columns", selection.list_columns,
                 "every column with its unit and description, of one KIND of --rows or of all; "
                 "needs no FILE")
      ->expected(0, 1)
      ->default_str("all")
      ->type_name("[KIND]")
      ->group(kGroup);
}

void check_selection(const Options& options) {
  const Selection& selection = options.selection;
  filter_of(options);
  const report::Query query = query_of(options);
  if (query.asks() && options.rows == "all")
    throw UserError("--rows all has no columns in common", "", "Name one kind of rows.");
  if (!selection.where.empty() && !options.to.empty())
    throw UserError("--where does not apply to --to", "whole files are merged",
                    "Merge first, then choose from the merged file.");
}

bool only_lists_columns(const Options& options) { return !options.selection.list_columns.empty(); }

std::vector<report::Table> listed_columns(const Options& options) {
  const std::string& kind = options.selection.list_columns;
  return report::column_tables(kind == "all" ? "" : kind);
}

bool is_query(const Options& options) { return query_of(options).asks(); }

report::Query query_of(const Options& options) {
  report::Query query;
  if (names_a_kind(options.rows))
    query.kind = options.rows;
  query.columns = report::names_in(options.selection.columns);
  query.group_by = report::names_in(options.selection.group_by);
  query.sort = report::names_in(options.selection.sort);
  query.limit = options.selection.limit;
  return query;
}

std::optional<report::Table> choose_rows(const Options& options,
                                         std::vector<results::RunData>& runs) {
  if (options.selection.where.empty())
    return std::nullopt;
  const report::Filter filter = filter_of(options);
  std::vector<report::Kept> all;
  for (results::RunData& run : runs)
    for (report::Kept& kept : filter.apply(run)) {
      const auto found = std::ranges::find(all, kept.kind, &report::Kept::kind);
      if (found == all.end()) {
        all.push_back(std::move(kept));
        continue;
      }
      found->rows += kept.rows;
      found->all += kept.all;
    }
  report::Table table;
  table.title = fmt::format("Rows chosen: {}", fmt::join(options.selection.where, " and "));
  table.columns = {{"rows of", "", true}, {"chosen", ""}, {"of", ""}, {"remark", "", true}};
  for (const report::Kept& kept : all)
    table.rows.push_back({kept.kind, std::to_string(kept.rows), std::to_string(kept.all),
                          kept.lacking.empty() ? "-" : "they have no column " + kept.lacking});
  return table;
}

} // namespace peakbench::aggregate
