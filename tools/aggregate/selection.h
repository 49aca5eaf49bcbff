// Which rows and columns: --where, --columns, --group-by, --sort, --limit, --list-columns.
#pragma once

#include <CLI/App.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/filter.h"
#include "report/query.h"
#include "results/merge.h"

namespace peakbench::aggregate {

struct Options;

struct Selection {
  std::vector<std::string> where, columns, group_by, sort; // as given
  std::int64_t limit = -1;
  std::string list_columns; // a kind, or "all"; empty: not asked for
};

void add_selection_options(CLI::App& app, Selection& selection);
// UserError, before any file is read.
void check_selection(const Options& options);

// --list-columns: no file is read.
bool only_lists_columns(const Options& options);
std::vector<report::Table> listed_columns(const Options& options);

// Whether one table of rows or groups is wanted in place of the tables.
bool is_query(const Options& options);
report::Query query_of(const Options& options);

// For --to: the cases that --where wants.
results::MergeSelection merge_selection(const Options& options);

// Drops what --where does not want. What it left, for the reader of the tables; none without
// --where. UserError if nothing is left.
std::optional<report::Table> choose_rows(const Options& options,
                                         std::vector<results::RunData>& runs);

} // namespace peakbench::aggregate
