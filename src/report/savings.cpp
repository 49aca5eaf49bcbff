// What is saved, against each arm that it can be saved against.
#include <fmt/format.h>

#include <algorithm>

#include "report/eab_arms.h"
#include "report/ep_depths.h"
#include "report/sections.h"

namespace peakbench::report {

namespace {

constexpr ArmDecode kBaselines[] = {{"naive", "per_path"},
                                    {"naive_batched", "batched"},
                                    {"prefill_once", "batched"},
                                    {"original", "per_path"},
                                    {"original", "batched"}};
constexpr std::string_view kEpSavers[] = {"ep_analytic", "ep_checkpoint", "ep_sweep_checkpoint",
                                          "ep_fused"};
constexpr std::string_view kEpBaselines[] = {"backprop", "backprop_checkpoint", "ep_autograd",
                                             "truncated_backprop"};

// Median, least and greatest over the prompts.
template <class Text>
std::vector<std::string> spread(const std::vector<double>& values, Text text) {
  if (values.empty())
    return {kNothing, kNothing, kNothing};
  return {text(median(values)), text(std::ranges::min(values)), text(std::ranges::max(values))};
}
std::string percent_text(double percent) { return fixed(percent, 1); }

} // namespace

std::vector<Table> eab_savings_tables(const EabCases& cases) {
  const ArmDecode subject = subject_of(cases);
  const EabGrouping grouping = group_rows(cases, kEabCompared);
  Table table =
      table_of(fmt::format("EAB: savings of {}, {}", subject.arm, subject.decode), grouping,
               {{"against", "", true},
                {"decode", "", true},
                {"prompts", ""},
                {"peak saved", "MB"},
                {"saved", "%"},
                {"saved least", "%"},
                {"saved most", "%"},
                {"speed-up", "x"},
                {"speed-up least", "x"},
                {"speed-up most", "x"}});
  if (subject.arm.empty())
    return {};
  for (const auto& group : grouping.groups)
    for (const ArmDecode& which : kBaselines) {
      const EabRows own = rows_of(group.rows, subject), other = rows_of(group.rows, which);
      if (which.arm == subject.arm)
        continue;
      std::vector<double> saved_bytes, saved_percent, speed_ups;
      for (const Pair& pair : pairs_of(own, other, peak_megabytes)) {
        saved_bytes.push_back(pair.other - pair.own);
        saved_percent.push_back(percent_saved(pair.own / pair.other));
      }
      for (const Pair& pair : pairs_of(own, other, wall))
        speed_ups.push_back(pair.other / pair.own);
      if (saved_bytes.empty())
        continue;
      std::vector<std::string> cells{std::string(which.arm), std::string(which.decode),
                                     std::to_string(saved_bytes.size()),
                                     number(median(saved_bytes))};
      table.rows.push_back(
          joined(group.setting, joined(joined(cells, spread(saved_percent, percent_text)),
                                       spread(speed_ups, ratio_text))));
    }
  table.notes.push_back("Prompt by prompt, over those that both finished: median, least and most. "
                        "Peaks beyond the weights. Below zero: more memory, or slower.");
  return {std::move(table)};
}

Table ep_savings_table(const EpLayout& layout) {
  Table table = depth_table("EP: memory saved versus depth", layout, "%",
                            {{"saved", "MB"}, {"speed-up", "x"}, {"at depth", ""}});
  const auto arm = std::ranges::find(table.columns, "arm", &Column::title);
  table.columns.insert(arm + 1, {"against", "", true});
  for (const auto& group : layout.grouping.groups)
    for (const std::string_view saver : kEpSavers)
      for (const std::string_view baseline : kEpBaselines) {
        const EpRows own_rows = rows_of(group.rows, saver),
                     other_rows = rows_of(group.rows, baseline);
        const ByDepth own = by_depth(own_rows, beyond_weights),
                      other = by_depth(other_rows, beyond_weights);
        ByDepth saved;
        for (const auto& [depth, megabytes] : own)
          if (const auto found = other.find(depth); found != other.end() && found->second > 0)
            saved[depth] = percent_saved(megabytes / found->second);
        if (saved.empty())
          continue;
        std::vector<std::string> cells{std::string(saver), std::string(baseline)};
        for (const std::int64_t depth : layout.depths) {
          const auto found = saved.find(depth);
          cells.push_back(found == saved.end() ? kNothing : fixed(found->second, 1));
        }
        const std::int64_t deepest = saved.rbegin()->first;
        const ByDepth time = by_depth(own_rows, step_milliseconds),
                      other_time = by_depth(other_rows, step_milliseconds);
        const bool timed = time.contains(deepest) && other_time.contains(deepest);
        cells.insert(cells.end(),
                     {number(other.at(deepest) - own.at(deepest)),
                      timed ? ratio_text(other_time.at(deepest) / time.at(deepest)) : kNothing,
                      count(deepest)});
        table.rows.push_back(joined(group.setting, cells));
      }
  table.notes.push_back("Of the peak beyond the weights; saved megabytes and speed-up at the "
                        "greatest depth that both finished. Below zero: more memory, or slower.");
  note_light_cone(layout.cases, table);
  return table;
}

} // namespace peakbench::report
