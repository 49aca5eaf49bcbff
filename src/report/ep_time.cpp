// Time of a training step versus depth.
#include "report/ep_depths.h"
#include "report/sections.h"

namespace peakbench::report {

Table ep_time_table(const EpLayout& layout) {
  Table table = depth_table("EP: time of one training step versus depth", layout, "ms",
                            {{"n", ""},
                             {"widest interval", "%"},
                             {"speed-up vs ep_autograd", "x"},
                             {"time vs truncated backprop", "x"},
                             {"at depth", ""},
                             {"gradient error", ""}});
  for (const auto& group : layout.grouping.groups)
    for (const std::string& arm : arms_of(group.rows)) {
      const EpRows rows = rows_of(group.rows, arm);
      std::vector<double> widths, errors;
      for (const results::EpCase* row : finished(rows)) {
        widths.push_back(interval_percent(*row));
        errors.push_back(row->gradient_error);
      }
      const ComparedArms compared =
          compare_arms(group.rows, rows, {"ep_autograd", "truncated_backprop"}, step_milliseconds);
      std::vector<std::string> cells = depth_cells(arm, layout, by_depth(rows, step_milliseconds));
      cells.insert(cells.end(), {repeats_of(rows), fixed(greatest(widths), 1),
                                 ratio_text(1 / compared.ratios[0]), ratio_text(compared.ratios[1]),
                                 count(compared.depth), number(greatest(errors))});
      table.rows.push_back(joined(group.setting, cells));
    }
  table.notes.push_back(
      "n: timed repeats behind the medians of all depths. Gradient error: greatest over depths and "
      "layers in reach, relative to autograd in float64.");
  return table;
}

} // namespace peakbench::report
