#include "report/scaling_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/scaling_rates.h"

namespace peakbench::report {

namespace {

constexpr std::size_t kMostPlots = 6;

Style style_of_share(const std::string& share) {
  Style style = style_number(share == "dynamic" ? 0 : 1);
  style.marker = share == "dynamic" ? Marker::disc : Marker::square;
  return style;
}

// One tick for each number of ranks; those that double have equal distances.
Axis ranks_axis(const std::set<std::int64_t>& ranks) {
  Axis axis{.title = "ranks", .logarithmic = true};
  for (const std::int64_t one : ranks)
    axis.ticks.push_back({static_cast<double>(one), std::to_string(one)});
  axis.low = 0.85 * static_cast<double>(*ranks.begin());
  axis.high = static_cast<double>(*ranks.rbegin()) / 0.85;
  return axis;
}

Panel rate_panel(const std::vector<const ScalingLine*>& lines, const std::string& mode) {
  Panel panel;
  panel.title = mode;
  std::set<std::int64_t> ranks;
  double highest = 0, base = 0; // of the ideal: the fastest rank's
  for (const ScalingLine* line : lines) {
    Series series{.title = line->share, .style = style_of_share(line->share)};
    for (const ScalingRate& rate : line->rates)
      if (!std::isnan(rate.cases_per_second)) {
        series.points.push_back({real(rate.ranks), rate.cases_per_second, rate.low, rate.high});
        ranks.insert(rate.ranks);
        highest = std::max(highest, std::isnan(rate.high) ? rate.cases_per_second : rate.high);
      }
    if (!series.points.empty())
      base = std::max(base, series.points.front().y / series.points.front().x);
    panel.series.push_back(std::move(series));
  }
  if (ranks.size() < 2)
    return {};
  Series ideal{.title = "ideal",
               .style = {.colour = Colour::grey, .dash = Dash::dashed, .width = 1}};
  for (const std::int64_t one : ranks)
    ideal.points.push_back({real(one), base * real(one)});
  highest = std::max(highest, ideal.points.back().y);
  panel.series.insert(panel.series.begin(), std::move(ideal));
  panel.x = ranks_axis(ranks);
  panel.y = {.title = "cases per second", .unit = "1/s", .low = 0, .high = 1.05 * highest};
  return panel;
}

} // namespace

std::vector<NamedPlot> scaling_plots(const std::vector<results::ScalingCase>& cases) {
  std::vector<NamedPlot> plots;
  const ScalingLines all = scaling_lines(cases);
  for (const auto& group : all.grouping.groups) {
    Plot plot;
    plot.title = "Scaling over ranks";
    plot.side_by_side = true;
    plot.width = 0;
    for (const char* mode : {"strong", "weak"}) {
      std::vector<const ScalingLine*> lines;
      for (const ScalingLine& line : all.lines)
        if (line.mode == mode && line.setting == group.setting)
          lines.push_back(&line);
      if (lines.empty())
        continue;
      Panel panel = rate_panel(lines, mode);
      if (panel.series.empty())
        continue;
      panel.legend = true;
      if (!plot.panels.empty())
        plot.panels.back().legend = false;
      plot.panels.push_back(std::move(panel));
      plot.width += 450;
    }
    if (plot.panels.empty() || plots.size() == kMostPlots)
      continue;
    const std::string setting = setting_text(all.grouping, group);
    plot.subtitles = {"Ideal: the rate of one of the fewest ranks, times the ranks. Bars: "
                      "interval of the median (95 % from 6 repeats on)."};
    if (!setting.empty())
      plot.subtitles.insert(plot.subtitles.begin(), setting);
    const std::string number = plots.empty() ? "" : fmt::format("-{}", plots.size() + 1);
    plots.push_back({"scaling-over-ranks" + number, std::move(plot)});
  }
  return plots;
}

} // namespace peakbench::report
