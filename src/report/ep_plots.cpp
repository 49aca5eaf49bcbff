// Memory, time and reach versus depth, and all pictures together.
#include "report/ep_plots.h"

#include <algorithm>
#include <cmath>

#include "report/ep_plot_parts.h"
#include "report/validity.h"

namespace peakbench::report {

namespace {

using results::EpCase;
constexpr std::string_view kCompared[] = {"arm", "depth", "seed"};

using Figure = double (*)(const EpCase&);
struct Interval {
  Figure lower = nullptr, upper = nullptr; // null: exact, no bars
};

Panel versus_depth(const EpRows& rows, const DrawnArms& arms, Figure figure,
                   const Interval& interval) {
  Panel panel;
  for (const std::string& arm : arms.shown) {
    Series line{.title = arm, .style = style_of_ep_arm(arm)};
    for (const std::int64_t depth : depths_of(rows)) {
      const EpRows here = rows_of(at_depth(rows, depth), arm);
      Point point{static_cast<double>(depth), median_over(here, figure)};
      if (interval.lower && std::ranges::any_of(here, [](auto* row) { return row->repeats > 1; })) {
        point.low = median_over(here, interval.lower);
        point.high = median_over(here, interval.upper);
      }
      if (point.y > 0)
        line.points.push_back(point);
    }
    if (!line.points.empty())
      panel.series.push_back(std::move(line));
  }
  panel.x = depth_axis(depths_of(rows));
  return panel;
}

Plot depth_plot(const EpRows& rows, const std::string& setting) {
  const DrawnArms arms = arms_to_draw(rows);
  Plot plot;
  plot.title = "Equilibrium propagation: memory, time and reach versus depth";
  const bool intervals =
      std::ranges::any_of(rows, [](const EpCase* row) { return row->repeats > 1; });
  plot.subtitles = {
      shared_text(rows) + (setting.empty() ? "" : "; " + setting) + "; " + repeats_each(rows) +
          (intervals ? ", bars: interval of the median time (95 % from 6 repeats on)" : ""),
      "Reach: layers that received a gradient, however small. Memory or time that "
      "does not grow with depth means something only beside it."};
  tell_left_out(plot, arms);
  const auto add = [&](const char* title, const char* unit, Figure figure, Interval interval = {}) {
    Panel panel = versus_depth(rows, arms, figure, interval);
    if (panel.series.empty())
      return;
    panel.y = decades_axis(title, unit, panel);
    plot.panels.push_back(std::move(panel));
  };
  add("peak memory beyond the weights", "MB",
      [](const EpCase& row) { return real(row.peak_beyond_weights_bytes) / kMegabyte; });
  add("time of a training step", "ms", [](const EpCase& row) { return 1000 * row.step_seconds; },
      {[](const EpCase& row) { return 1000 * row.step_seconds_lower; },
       [](const EpCase& row) { return 1000 * row.step_seconds_upper; }});
  add("reach", "layers", [](const EpCase& row) { return real(row.reach); });
  put_side_by_side(plot);
  return plot;
}

} // namespace

std::vector<NamedPlot> ep_depth_plots(const std::vector<EpCase>& cases) {
  std::vector<NamedPlot> plots;
  if (cases.empty())
    return plots;
  const EpGrouping grouping = group_rows(cases, kCompared);
  for (const EpGroup& group : grouping.groups) {
    const EpRows rows = finished(group.rows);
    if (depths_of(rows).size() < 2 || plots.size() == kMostEpPlots)
      continue;
    Plot plot = depth_plot(rows, setting_text(grouping, group));
    if (!plot.panels.empty())
      plots.push_back({numbered_name("ep-versus-depth", plots.size()), std::move(plot)});
  }
  return plots;
}

std::vector<NamedPlot> ep_plots(const std::vector<EpCase>& cases,
                                const std::vector<results::EpTrainingRow>& training,
                                const LoadEpTrace& load) {
  std::vector<NamedPlot> plots = ep_depth_plots(cases);
  for (std::vector<NamedPlot> more :
       {ep_accuracy_plots(cases), ep_training_plots(cases, training), ep_layer_plots(cases, load)})
    for (NamedPlot& plot : more)
      plots.push_back(std::move(plot));
  return plots;
}

} // namespace peakbench::report
