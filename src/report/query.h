// One table of the rows of one kind: chosen columns, groups, an order (--columns, --group-by,
// --sort). Numbers are as short as they can be read back exactly.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/report.h"

namespace peakbench::report {

struct Query {
  std::string kind;                 // as in --rows (kinds.h); empty: see kind_of
  std::vector<std::string> columns; // names, or patterns with * ? [abc]
  std::vector<std::string> group_by;
  std::vector<std::string> sort; // most important first; "-" before a name: falling
  std::int64_t limit = -1;       // rows shown, from the top; -1: all
  bool asks() const { return !columns.empty() || !group_by.empty() || !sort.empty() || limit >= 0; }
};

// "a,b" and "c" as a, b, c; blanks around names do not count. UserError for an empty name.
std::vector<std::string> names_in(const std::vector<std::string>& lists);

// The kind that was named; else the one kind of cases that has all the columns and of which there
// are rows; else, where no kind of cases has them all, the one other kind. UserError where that is
// not one kind.
std::string kind_of(const Query& query, const results::RunData& run);

// Without groups: a row of the table per row of the kind, in the order of the file, with all
// columns if none were named. With groups: a row per group, in the order of their values; how many
// rows it has; of every column of numbers the median over them with its distribution-free 95 %
// interval (base/statistics.h), of every other column the common value or how many different ones
// there are. Without named columns: the time and the memory of cases, else every measured number.
// Numbers are ordered by value, texts letter by letter, absent values last.
// UserError naming what is wrong: no such kind or column, a column that is ordered by but not
// there.
Table query_table(const results::RunData& run, const Query& query);

// Every column of a kind, or of all kinds if none is named: name, unit, description.
std::vector<Table> column_tables(const std::string& kind);

// A table for programs: its headings are the columns' names, nothing stands for what is absent.
std::string plain_csv(const Table& table);

} // namespace peakbench::report
