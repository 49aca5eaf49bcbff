#include "report/ep_depths.h"

#include <set>

namespace peakbench::report {

using results::EpCase;

namespace {

// The control beside what it controls.
constexpr std::string_view kOrder[] = {"backprop",    "backprop_checkpoint", "backprop_streamed",
                                       "ep_autograd", "ep_manual",           "ep_finite_difference",
                                       "ep_analytic", "ep_checkpoint",       "ep_batched",
                                       "ep_sweep",    "ep_sweep_checkpoint", "truncated_backprop",
                                       "ep_fused"};

// The greatest depth that all of these finished; -1 if there is none.
std::int64_t common_depth(const std::vector<ByDepth>& all) {
  for (auto one = all.front().rbegin(); one != all.front().rend(); ++one)
    if (std::ranges::all_of(all, [&](const ByDepth& other) { return other.contains(one->first); }))
      return one->first;
  return results::kAbsent;
}

} // namespace

double beyond_weights(const EpCase& row) { return real(row.peak_beyond_weights_bytes) / kMegabyte; }
double with_weights(const EpCase& row) { return real(row.peak_bytes) / kMegabyte; }
double step_milliseconds(const EpCase& row) { return 1000 * row.step_seconds; }

EpRows rows_of(const EpRows& rows, std::string_view arm) {
  EpRows found;
  for (const EpCase* row : rows)
    if (row->arm == arm)
      found.push_back(row);
  return found;
}

std::vector<std::string> arms_of(const EpRows& rows) {
  std::set<std::string> present;
  for (const EpCase* row : rows)
    present.insert(row->arm);
  std::vector<std::string> arms;
  for (const std::string_view arm : kOrder)
    if (present.erase(std::string(arm)))
      arms.emplace_back(arm);
  arms.insert(arms.end(), present.begin(), present.end());
  return arms;
}

double slope_of(const ByDepth& values, std::int64_t from) {
  std::vector<double> depths, figures;
  for (const auto& [depth, value] : values) {
    if (depth < from)
      continue;
    depths.push_back(static_cast<double>(depth));
    figures.push_back(value);
  }
  return slope(depths, figures);
}

ComparedArms compare_arms(const EpRows& group, const EpRows& arm,
                          std::initializer_list<std::string_view> baselines,
                          double (*figure)(const EpCase&)) {
  const ByDepth own = by_depth(arm, figure);
  std::vector<ByDepth> all{own}, others;
  for (const std::string_view baseline : baselines) {
    others.push_back(by_depth(rows_of(group, baseline), figure));
    if (!others.back().empty())
      all.push_back(others.back());
  }
  ComparedArms result{all.size() > 1 ? common_depth(all) : results::kAbsent, {}};
  for (const ByDepth& other : others) {
    const bool known = result.depth >= 0 && other.contains(result.depth);
    result.ratios.push_back(known ? own.at(result.depth) / other.at(result.depth)
                                  : results::kAbsentReal);
  }
  return result;
}

Table depth_table(const std::string& title, const EpLayout& layout, const std::string& unit,
                  const std::vector<Column>& rest) {
  Table table;
  table.title = title;
  table.columns = layout.grouping.columns;
  table.columns.push_back({"arm", "", true});
  for (const std::int64_t depth : layout.depths)
    table.columns.push_back({"depth " + std::to_string(depth), unit});
  table.columns.insert(table.columns.end(), rest.begin(), rest.end());
  return table;
}

std::vector<std::string> depth_cells(const std::string& arm, const EpLayout& layout,
                                     const ByDepth& values) {
  std::vector<std::string> cells{arm};
  for (const std::int64_t depth : layout.depths) {
    const auto found = values.find(depth);
    cells.push_back(found == values.end() ? kNothing : number(found->second));
  }
  return cells;
}

void note_light_cone(const std::vector<EpCase>& cases, Table& table) {
  const auto has = [&](auto wanted) { return std::ranges::any_of(cases, wanted); };
  if (!has([](const EpCase& row) { return row.arm.starts_with("ep_"); }))
    return;
  table.notes.push_back(
      "Light cone: updated all at once, only the last T layers have moved after T "
      "settling steps, so EP trains no more than those (reach there); ep_fused "
      "computes nothing else.");
  table.notes.push_back(
      has([](const EpCase& row) { return row.arm == "truncated_backprop"; })
          ? "Its honest control is truncated_backprop, which trains the same layers."
          : "Its honest control, truncated_backprop, is not in this file.");
}

} // namespace peakbench::report
