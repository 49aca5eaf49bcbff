// Memory of a training step versus depth.
#include <fmt/format.h>

#include <cmath>

#include "report/ep_depths.h"
#include "report/sections.h"

namespace peakbench::report {

namespace {

using results::EpCase;
using results::PeakByTag;

Table memory_table(const EpLayout& layout) {
  Table table = depth_table("EP: peak memory beyond the weights versus depth", layout, "MB",
                            {{"cases ok", "", true},
                             {"n", ""},
                             {"slope", "MB/layer"},
                             {"saving vs ep_autograd", "%"},
                             {"saving vs backprop", "%"},
                             {"at depth", ""},
                             {"reach there", "layers"}});
  for (const auto& group : layout.grouping.groups)
    for (const std::string& arm : arms_of(group.rows)) {
      const EpRows rows = rows_of(group.rows, arm);
      const ByDepth values = by_depth(rows, beyond_weights);
      const ByDepth reach = by_depth(rows, [](const EpCase& row) { return real(row.reach); });
      const ComparedArms compared =
          compare_arms(group.rows, rows, {"ep_autograd", "backprop"}, beyond_weights);
      const auto saved = [&](std::size_t index, std::string_view itself) {
        return arm == itself ? kNothing : fixed(100 * (1 - compared.ratios[index]), 1);
      };
      const std::int64_t deepest =
          compared.depth >= 0 || values.empty() ? compared.depth : values.rbegin()->first;
      const auto reached = reach.find(deepest);
      std::vector<std::string> cells = depth_cells(arm, layout, values);
      cells.insert(cells.end(), {share_finished(rows), repeats_of(rows), fixed(slope_of(values), 4),
                                 saved(0, "ep_autograd"), saved(1, "backprop"), count(deepest),
                                 reached == reach.end() ? kNothing : whole(reached->second)});
      table.rows.push_back(joined(group.setting, cells));
    }
  table.notes.push_back(
      fmt::format("High-water mark less the weights, MB = 10^6 bytes; slope by regression "
                  "over depth >= {}.",
                  kSlopeFromDepth));
  note_light_cone(layout.cases, table);
  if (const std::string setting = common_setting(layout.cases, kEpCompared); !setting.empty())
    table.notes.push_back("All: " + setting + ".");
  return table;
}

// What grows with depth: the slope of each tag at the peak.
Table slope_table(const EpLayout& layout) {
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

std::vector<Table> ep_memory_tables(const EpLayout& layout) {
  return {memory_table(layout), slope_table(layout)};
}

} // namespace peakbench::report
