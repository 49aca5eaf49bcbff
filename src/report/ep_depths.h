// EP cases by arm and depth: what the tables of depth have in common.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "report/groups.h"

namespace peakbench::report {

using EpRows = Rows<results::EpCase>;
using ByDepth = std::map<std::int64_t, double>; // of the finished cases

// What the tables compare or pool.
inline constexpr std::string_view kEpCompared[] = {"arm", "depth", "seed"};
inline constexpr std::int64_t kSlopeFromDepth = 50; // below, what does not grow dominates

// Megabytes and milliseconds of a case; NaN where it has none.
double beyond_weights(const results::EpCase& row);
double with_weights(const results::EpCase& row);
double step_milliseconds(const results::EpCase& row);

EpRows rows_of(const EpRows& rows, std::string_view arm);
// Arms in the order of the tables, beside each other what belongs together, unknown ones last.
std::vector<std::string> arms_of(const EpRows& rows);

// Medians over the finished cases of a depth; depths without a figure are left out.
template <class Get>
ByDepth by_depth(const EpRows& rows, Get figure) {
  std::map<std::int64_t, std::vector<double>> values;
  for (const results::EpCase* row : finished(rows))
    values[row->depth].push_back(figure(*row));
  ByDepth medians;
  for (const auto& [depth, list] : values)
    if (const double middle = median(list); middle == middle) // not NaN
      medians[depth] = middle;
  return medians;
}

// Per layer, by regression over depths >= `from`; NaN with fewer than two.
double slope_of(const ByDepth& values, std::int64_t from = kSlopeFromDepth);

// The arm and those baselines that finished anything, at the greatest depth that they share.
struct ComparedArms {
  std::int64_t depth = results::kAbsent;
  std::vector<double> ratios; // arm / baseline; NaN where a baseline is missing
};
ComparedArms compare_arms(const EpRows& group, const EpRows& arm,
                          std::initializer_list<std::string_view> baselines,
                          double (*figure)(const results::EpCase&));

struct EpLayout {
  const std::vector<results::EpCase>& cases;
  Grouping<results::EpCase> grouping;
  std::vector<std::int64_t> depths;
};

// [setting..., arm, one column per depth, rest...]
Table depth_table(const std::string& title, const EpLayout& layout, const std::string& unit,
                  const std::vector<Column>& rest);
// The arm's name and its cells of the depths' columns.
std::vector<std::string> depth_cells(const std::string& arm, const EpLayout& layout,
                                     const ByDepth& values);
// What cannot be left unsaid beside a saving or a speed-up (ep.md, light cone).
void note_light_cone(const std::vector<results::EpCase>& cases, Table& table);

} // namespace peakbench::report
