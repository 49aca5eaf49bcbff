// Columns taken out of the rows of a kind, and rows grouped by what they have in some of them.
#pragma once

#include <string>
#include <vector>

#include "report/kinds.h"

namespace peakbench::report {

inline constexpr std::string_view kGroupCount = "n";

struct QueryColumn {
  std::string name, unit;
  bool is_text = false;
  std::vector<results::Value> values; // one per row
};

// The columns of these names, of all rows of the kind.
std::vector<QueryColumn> query_columns(const results::RunData& run, std::string_view kind,
                                       const std::vector<std::string>& names);

// Below, equal, above: -1, 0, 1; the other way round if `falling`. Absent values come last either
// way.
int compare_values(const results::Value& a, const results::Value& b, bool falling = false);

struct Groups {
  std::size_t count = 0;
  // The columns grouped by; n; for every other one: of numbers the median, and its interval as
  // "<name> lower" and "<name> upper" (absent with one value), and as "<name> n" how many rows had
  // a value where that is not n everywhere; of texts the common one, or "<k> different".
  std::vector<QueryColumn> columns;
  bool has_intervals = false, has_few = false; // few: an interval of fewer than 6 values
};
// `rows` values in each of the columns. Groups are in the order of their values.
Groups grouped(const std::vector<QueryColumn>& by, const std::vector<QueryColumn>& others,
               std::size_t rows);

} // namespace peakbench::report
