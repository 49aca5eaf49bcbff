// Equilibrium propagation: memory and time of a training step versus depth.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>

#include "report/groups.h"
#include "report/sections.h"

namespace peakbench::report {

namespace {

using results::EpCase;
using results::PeakByTag;
using EpRows = Rows<EpCase>;
using ByDepth = std::map<std::int64_t, double>; // of the finished cases
using Figure = double (*)(const EpCase&);

constexpr std::string_view kCompared[] = {"arm", "depth", "seed"};
// Beside each other what belongs together: the control and what it controls.
constexpr std::string_view kOrder[] = {"backprop",    "backprop_checkpoint", "backprop_streamed",
                                       "ep_autograd", "ep_manual",           "ep_finite_difference",
                                       "ep_analytic", "ep_checkpoint",       "ep_batched",
                                       "ep_sweep",    "ep_sweep_checkpoint", "truncated_backprop",
                                       "ep_fused"};
constexpr std::int64_t kSlopeFromDepth = 50; // below, what does not grow with depth dominates

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

// Arms in the order of the tables, unknown ones last.
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

template <class Get>
ByDepth by_depth(const EpRows& rows, Get figure) {
  std::map<std::int64_t, std::vector<double>> values;
  for (const EpCase* row : finished(rows))
    values[row->depth].push_back(figure(*row));
  ByDepth medians;
  for (const auto& [depth, list] : values)
    if (const double middle = median(list); !std::isnan(middle))
      medians[depth] = middle;
  return medians;
}

double slope_of(const ByDepth& values) {
  std::vector<double> depths, figures;
  for (const auto& [depth, value] : values) {
    if (depth < kSlopeFromDepth)
      continue;
    depths.push_back(static_cast<double>(depth));
    figures.push_back(value);
  }
  return slope(depths, figures);
}

// The greatest depth that all of these finished; -1 if there is none.
std::int64_t common_depth(const std::vector<ByDepth>& all) {
  for (auto one = all.front().rbegin(); one != all.front().rend(); ++one)
    if (std::ranges::all_of(all, [&](const ByDepth& other) { return other.contains(one->first); }))
      return one->first;
  return results::kAbsent;
}

// The arm and those baselines that finished anything, at the greatest depth that they share.
struct Compared {
  std::int64_t depth = results::kAbsent;
  std::vector<double> ratios; // arm / baseline; NaN where a baseline is missing
};
Compared compare(const EpRows& group, const EpRows& arm,
                 std::initializer_list<std::string_view> baselines, Figure figure) {
  const ByDepth own = by_depth(arm, figure);
  std::vector<ByDepth> all{own}, others;
  for (const std::string_view baseline : baselines) {
    others.push_back(by_depth(rows_of(group, baseline), figure));
    if (!others.back().empty())
      all.push_back(others.back());
  }
  Compared result{all.size() > 1 ? common_depth(all) : results::kAbsent, {}};
  for (const ByDepth& other : others) {
    const bool known = result.depth >= 0 && other.contains(result.depth);
    result.ratios.push_back(known ? own.at(result.depth) / other.at(result.depth)
                                  : results::kAbsentReal);
  }
  return result;
}

std::vector<std::int64_t> depths_of(const std::vector<EpCase>& cases) {
  std::set<std::int64_t> depths;
  for (const EpCase& row : cases)
    depths.insert(row.depth);
  return {depths.begin(), depths.end()};
}

struct Layout {
  const std::vector<EpCase>& cases;
  Grouping<EpCase> grouping;
  std::vector<std::int64_t> depths;
};

// [setting..., arm, one column per depth, rest...]
Table depth_table(const std::string& title, const Layout& layout, const std::string& unit,
                  std::vector<Column> rest) {
  Table table;
  table.title = title;
  table.columns = layout.grouping.columns;
  table.columns.push_back({"arm", "", true});
  for (const std::int64_t depth : layout.depths)
    table.columns.push_back({"depth " + std::to_string(depth), unit});
  table.columns.insert(table.columns.end(), rest.begin(), rest.end());
  return table;
}

std::vector<std::string> depth_cells(const std::string& arm, const Layout& layout,
                                     const ByDepth& values) {
  std::vector<std::string> cells{arm};
  for (const std::int64_t depth : layout.depths) {
    const auto found = values.find(depth);
    cells.push_back(found == values.end() ? kNothing : number(found->second));
  }
  return cells;
}

// What cannot be left unsaid beside a saving (ep.md, light cone).
void note_light_cone(const Layout& layout, Table& table) {
  const auto has = [&](std::string_view arm) {
    return std::ranges::any_of(layout.cases, [&](const EpCase& row) { return row.arm == arm; });
  };
  const bool is_ep = std::ranges::any_of(
      layout.cases, [](const EpCase& row) { return row.arm.starts_with("ep_"); });
  if (!is_ep)
    return;
  table.notes.push_back(
      "Light cone: updated all at once, only the last T layers have moved after T "
      "settling steps, so EP trains no more than those (reach there); ep_fused "
      "computes nothing else.");
  table.notes.push_back(
      has("truncated_backprop")
          ? "Its honest control is truncated_backprop, which trains the same layers."
          : "Its honest control, truncated_backprop, is not in this file.");
}

Table memory_table(const Layout& layout) {
  Table table = depth_table("EP: peak memory beyond the weights versus depth", layout, "MB",
                            {{"slope", "MB/layer"},
                             {"saving vs ep_autograd", "%"},
                             {"saving vs backprop", "%"},
                             {"at depth", ""},
                             {"reach there", "layers"}});
  for (const auto& group : layout.grouping.groups)
    for (const std::string& arm : arms_of(group.rows)) {
      const EpRows rows = rows_of(group.rows, arm);
      const ByDepth values = by_depth(rows, beyond_weights);
      const ByDepth reach = by_depth(rows, [](const EpCase& row) { return real(row.reach); });
      const Compared compared =
          compare(group.rows, rows, {"ep_autograd", "backprop"}, beyond_weights);
      const auto saved = [&](std::size_t index, std::string_view itself) {
        return arm == itself ? kNothing : fixed(100 * (1 - compared.ratios[index]), 1);
      };
      const std::int64_t deepest =
          compared.depth >= 0 || values.empty() ? compared.depth : values.rbegin()->first;
      const auto reached = reach.find(deepest);
      std::vector<std::string> cells = depth_cells(arm, layout, values);
      cells.insert(cells.end(),
                   {fixed(slope_of(values), 4), saved(0, "ep_autograd"), saved(1, "backprop"),
                    count(deepest), reached == reach.end() ? kNothing : whole(reached->second)});
      table.rows.push_back(joined(group.setting, cells));
    }
  table.notes.push_back(
      fmt::format("High-water mark less the weights, MB = 10^6 bytes; slope by regression "
                  "over depth >= {}.",
                  kSlopeFromDepth));
  note_light_cone(layout, table);
  if (const std::string setting = common_setting(layout.cases, kCompared); !setting.empty())
    table.notes.push_back("All: " + setting + ".");
  return table;
}

Table time_table(const Layout& layout) {
  Table table = depth_table("EP: time of one training step versus depth", layout, "ms",
                            {{"widest interval", "%"},
                             {"speed-up vs ep_autograd", "x"},
                             {"time vs truncated backprop", "x"},
                             {"at depth", ""},
                             {"gradient error", ""}});
  for (const auto& group : layout.grouping.groups)
    for (const std::string& arm : arms_of(group.rows)) {
      const EpRows rows = rows_of(group.rows, arm);
      std::vector<double> widths, errors;
      for (const EpCase* row : finished(rows)) {
        widths.push_back(interval_percent(*row));
        errors.push_back(row->gradient_error);
      }
      const Compared compared =
          compare(group.rows, rows, {"ep_autograd", "truncated_backprop"}, step_milliseconds);
      std::vector<std::string> cells = depth_cells(arm, layout, by_depth(rows, step_milliseconds));
      cells.insert(cells.end(),
                   {fixed(greatest(widths), 1), fixed(1 / compared.ratios[0], 2),
                    fixed(compared.ratios[1], 2), count(compared.depth), number(greatest(errors))});
      table.rows.push_back(joined(group.setting, cells));
    }
  table.notes.push_back(
      "Gradient error: greatest over depths and layers in reach, relative to autograd in float64.");
  return table;
}

// What grows with depth: the slope of each tag at the peak.
Table slope_table(const Layout& layout) {
  Table table;
  table.title = "EP: what grows with depth";
  table.columns = layout.grouping.columns;
  table.columns.push_back({"arm", "", true});
  struct TagColumn {
    const char* title;
    std::int64_t PeakByTag::*member;
  };
  constexpr TagColumn kTags[] = {{"gradients", &PeakByTag::gradients},
                                 {"optimizer", &PeakByTag::optimizer},
                                 {"activations", &PeakByTag::activations},
                                 {"states", &PeakByTag::states},
                                 {"workspace", &PeakByTag::workspace}};
  for (const char* title : {"with weights", "beyond weights"})
    table.columns.push_back({title, "MB/layer"});
  for (const TagColumn& tag : kTags)
    table.columns.push_back({tag.title, "MB/layer"});
  for (const auto& group : layout.grouping.groups)
    for (const std::string& arm : arms_of(group.rows)) {
      const EpRows rows = rows_of(group.rows, arm);
      const double all = slope_of(by_depth(rows, with_weights));
      if (std::isnan(all))
        continue;
      std::vector<std::string> cells{arm, fixed(all, 4),
                                     fixed(slope_of(by_depth(rows, beyond_weights)), 4)};
      for (const TagColumn& tag : kTags) {
        const auto megabytes = [&](const EpCase& row) {
          return real(row.peak.*tag.member) / kMegabyte;
        };
        cells.push_back(fixed(slope_of(by_depth(rows, megabytes)), 4));
      }
      table.rows.push_back(joined(group.setting, cells));
    }
  table.notes.push_back("By tag, as the peak is composed.");
  return table;
}

} // namespace

std::vector<Table> ep_tables(const std::vector<EpCase>& cases) {
  if (cases.empty())
    return {};
  const Layout layout{cases, group_rows(cases, kCompared), depths_of(cases)};
  std::vector<Table> tables{memory_table(layout), time_table(layout), slope_table(layout)};
  std::erase_if(tables, [](const Table& table) { return table.rows.empty(); });
  return tables;
}

} // namespace peakbench::report
