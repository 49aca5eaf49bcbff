#include "aggregate/selection.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "aggregate/options.h"
#include "base/error.h"
#include "report/kinds.h"

namespace peakbench::aggregate {

namespace {

constexpr const char* kGroup = "Rows and columns";

std::string conditions_of(const Options& options) {
  return fmt::format("{}", fmt::join(options.selection.where, " and "));
}

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
      ->check(from_zero(true))
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
  filter_of(options);
  if (!options.to.empty())
    merge_selection(options); // of columns of cases alone
  const report::Query query = query_of(options);
  if (query.asks() && options.rows == "all")
    throw UserError("--rows all has no columns in common", "", "Name one kind of rows.");
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

results::MergeSelection merge_selection(const Options& options) {
  if (options.selection.where.empty())
    return {};
  const auto filter =
      std::make_shared<report::Filter>(report::parse_where(options.selection.where), "");
  return {conditions_of(options),
          [filter](const results::RunData& rows) { return filter->marks_of_cases(rows); }};
}

namespace {

// What is wanted is spelt otherwise, or is not there: a job that goes on with nothing would be
// content with everything.
void require_rows(const Options& options, const std::vector<report::Kept>& all) {
  std::size_t rows = 0, of = 0;
  std::string instead;
  for (const report::Kept& kept : all) {
    const bool looked_at = !names_a_kind(options.rows) || kept.kind == options.rows ||
                           options.rows.starts_with(kept.kind + "-");
    if (!looked_at)
      continue;
    rows += kept.rows;
    of += kept.all;
    if (!kept.emptied.empty())
      instead += (instead.empty() ? "in the rows of " : "; of ") + kept.kind + " " + kept.emptied;
  }
  if (rows == 0 && of > 0)
    throw UserError(
        fmt::format("--where \"{}\" chooses none of {} rows", conditions_of(options), of), instead,
        "--columns shows what a column holds.");
}

} // namespace

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
      if (found->emptied.empty())
        found->emptied = kept.emptied;
    }
  require_rows(options, all);
  report::Table table;
  table.title = "Rows chosen: " + conditions_of(options);
  table.columns = {{"rows of", "", true}, {"chosen", ""}, {"of", ""}, {"remark", "", true}};
  for (const report::Kept& kept : all)
    table.rows.push_back({kept.kind, std::to_string(kept.rows), std::to_string(kept.all),
                          kept.lacking.empty() ? "-" : "they have no column " + kept.lacking});
  return table;
}

} // namespace peakbench::aggregate
