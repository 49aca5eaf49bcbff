// Energy per settling step, and gradients layer by layer, from the traces.
#include <fmt/format.h>

#include <cmath>

#include "report/ep_plot_parts.h"
#include "report/ep_plots.h"

namespace peakbench::report {

namespace {

using results::EpCase;
using results::EpTrace;
constexpr std::string_view kCompared[] = {"arm", "depth", "seed"};
// Deeper ones have more layers than a picture can tell apart.
constexpr std::int64_t kDeepest = 100;

// The greatest depth up to kDeepest, or else the least one.
std::int64_t depth_to_draw(const EpRows& rows) {
  const std::vector<std::int64_t> depths = depths_of(rows);
  std::int64_t chosen = depths.front();
  for (const std::int64_t depth : depths)
    if (depth <= kDeepest)
      chosen = depth;
  return chosen;
}

// No markers on a long line: they would hide it, and the lines that agree with it.
Series line_of(const std::string& arm, const std::vector<double>& values, double first,
               bool positive) {
  Series line{.title = arm, .style = style_of_ep_arm(arm)};
  if (values.size() > 40)
    line.style.marker = Marker::none;
  for (std::size_t i = 0; i < values.size(); ++i)
    line.points.push_back(
        {first + static_cast<double>(i), positive && values[i] <= 0 ? kNoValue : values[i]});
  return line;
}

bool shows_something(const Series& line) {
  return std::ranges::any_of(line.points, [](const Point& point) { return !std::isnan(point.y); });
}

Plot layer_plot(const EpRows& rows, const DrawnArms& arms, const LoadEpTrace& load) {
  Panel energy, norm, cosine;
  for (const std::string& arm : arms.shown) {
    const EpRows mine = rows_of(rows, arm);
    if (mine.empty())
      continue;
    const EpTrace trace = load(*mine.front()); // of the first seed
    const auto add = [&](Panel& panel, const std::vector<double>& values, double first,
                         bool positive) {
      if (Series line = line_of(arm, values, first, positive); shows_something(line))
        panel.series.push_back(std::move(line));
    };
    add(energy, trace.energy, 0, false);
    add(norm, trace.gradient_norm, 1, true);
    add(cosine, trace.cosine_to_backprop, 1, false);
  }
  energy.x = {.title = "settling step", .whole = true};
  energy.y = {.title = "energy, nudged phase"};
  norm.x = cosine.x = {.title = "layer",
                       .whole = true,
                       .low = 0,
                       .high = static_cast<double>(rows.front()->depth + 1)};
  norm.y = decades_axis("norm of the gradient", "", norm);
  cosine.y = {.title = "cosine to back-propagation", .low = -1.05, .high = 1.05};
  Plot plot;
  for (Panel* panel : {&energy, &norm, &cosine})
    if (!panel->series.empty())
      plot.panels.push_back(std::move(*panel));
  return plot;
}

} // namespace

std::vector<NamedPlot> ep_layer_plots(const std::vector<EpCase>& cases, const LoadEpTrace& load) {
  std::vector<NamedPlot> plots;
  if (cases.empty())
    return plots;
  const EpGrouping grouping = group_rows(cases, kCompared);
  for (const EpGroup& group : grouping.groups) {
    // A case whose training run diverged has its trace, too.
    if (plots.size() == kMostEpPlots)
      break;
    const EpRows rows = at_depth(group.rows, depth_to_draw(group.rows));
    const DrawnArms arms = arms_to_draw(rows);
    Plot plot = layer_plot(rows, arms, load);
    if (plot.panels.empty())
      continue;
    plot.title = fmt::format("Settling and gradients of the first step, depth {}, init {}",
                             rows.front()->depth, rows.front()->init);
    const std::string setting = setting_text(grouping, group);
    plot.subtitles = {
        shared_text(rows) + (setting.empty() ? "" : "; " + setting),
        "Layer 1 is next to the input. A layer without a point received no gradient."};
    tell_left_out(plot, arms);
    put_side_by_side(plot);
    plots.push_back({numbered_name("ep-layers", plots.size()), std::move(plot)});
  }
  return plots;
}

} // namespace peakbench::report
