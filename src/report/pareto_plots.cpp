#include "report/pareto_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "report/eab_arms.h"
#include "report/eab_plot_parts.h"
#include "report/ep_plot_parts.h"
#include "report/validity.h"

namespace peakbench::report {

namespace {

using results::EabCase;
using results::EpCase;

constexpr std::size_t kMostPlots = 6; // one for each setting
constexpr double kPale = 0.5;
constexpr double kWide = 5; // a ratio from which on an axis is logarithmic

// Room around what is shown, so that the front has an end that can be seen.
void widen(Axis& axis, double least, double greatest) {
  axis.logarithmic = greatest / least >= kWide;
  axis.low = axis.logarithmic ? least / 1.5 : 0;
  axis.high = axis.logarithmic ? greatest * 1.5 : 1.12 * greatest;
}

Axis axis_of(const std::string& title, const std::string& unit, std::vector<double> values) {
  std::erase_if(values, [](double value) { return !(value > 0); });
  Axis axis{.title = title, .unit = unit};
  const auto [least, greatest] = std::ranges::minmax(values);
  widen(axis, least, greatest);
  return axis;
}

Panel panel_of(std::vector<ParetoPoint> points, const std::string& time_title) {
  std::ranges::stable_sort(
      points, {}, [](const ParetoPoint& one) { return std::pair(one.megabytes, one.seconds); });
  const std::vector<bool> front = on_front(points);
  const bool milliseconds = std::ranges::max(points, {}, &ParetoPoint::seconds).seconds < 2;
  const double scale = milliseconds ? 1000 : 1;
  std::vector<double> memory, time;
  for (const ParetoPoint& point : points) {
    memory.push_back(point.megabytes);
    for (const double seconds : {point.seconds, point.seconds_lower, point.seconds_upper})
      time.push_back(scale * seconds);
  }
  Panel panel;
  panel.x = axis_of("peak memory beyond the weights", "MB", memory);
  panel.y = axis_of(time_title, milliseconds ? "ms" : "s", time);

  Series steps{
      "front", {.colour = Colour::dark_grey, .dash = Dash::dashed, .width = 1.2}, {}, true};
  for (std::size_t i = 0; i < points.size(); ++i) {
    const ParetoPoint& point = points[i];
    Series mark{point.title, point.style, {}};
    mark.points.push_back({point.megabytes, scale * point.seconds, scale * point.seconds_lower,
                           scale * point.seconds_upper});
    mark.style.width = 0;
    mark.style.size *= 1.5;
    if (front[i]) {
      // gnuplot's steps go across and then down: what is possible with so much memory.
      if (steps.points.empty())
        steps.points.push_back({point.megabytes, *panel.y.high});
      steps.points.push_back({point.megabytes, scale * point.seconds});
      mark.style.size *= 1.2;
    } else {
      mark.title += " (dominated)";
      mark.style.opacity = kPale;
    }
    panel.series.push_back(std::move(mark));
  }
  // Of time from the top to the bottom, as a reader meets the points.
  std::ranges::stable_sort(panel.series, std::ranges::greater(),
                           [](const Series& one) { return one.points.front().y; });
  steps.points.push_back({*panel.x.high, steps.points.back().y});
  panel.series.insert(panel.series.begin(), std::move(steps));
  return panel;
}

Plot plot_of(const std::string& title, const std::string& subtitle, const std::string& time_title,
             std::vector<ParetoPoint> points) {
  Plot plot;
  plot.title = title;
  const bool intervals = std::ranges::any_of(
      points, [](const ParetoPoint& one) { return one.seconds_upper > one.seconds_lower; });
  plot.subtitles = {subtitle,
                    std::string("Dominated: another arm needs no more of both and less of one.") +
                        (intervals ? " Bars: interval of the time (95 % from 6 repeats on)." : "")};
  plot.panels = {panel_of(std::move(points), time_title)};
  plot.width = 900;
  plot.height = 470;
  return plot;
}

// Medians over the rows; nothing if one of the two figures is missing.
template <class Row>
void add_point(const std::string& title, const Style& style, const Rows<Row>& rows,
               double (*megabytes_of)(const Row&), double Row::*seconds, double Row::*lower,
               double Row::*upper, std::vector<ParetoPoint>& points) {
  const auto median_of = [&](double Row::*member) {
    return median_over(rows, [&](const Row& row) { return row.*member; });
  };
  const ParetoPoint point{
      title,           style, median_over(rows, megabytes_of), median_of(seconds), median_of(lower),
      median_of(upper)};
  if (point.megabytes > 0 && point.seconds > 0)
    points.push_back(point);
}

// Where lines are told apart by their dashes, points are by being hollow.
Style style_of_point(const ArmDecode& which) {
  Style style = style_of_arm(which.arm, which.decode);
  if (which.decode == "per_path" && style.marker == Marker::disc)
    style.marker = Marker::circle;
  if (which.decode == "per_path" && style.marker == Marker::diamond)
    style.marker = Marker::box;
  return style;
}

std::vector<ParetoPoint> points_of(const EabRows& rows) {
  std::vector<ParetoPoint> points;
  for (const ArmDecode& which : kEabOrder)
    add_point<EabCase>(arm_title(which.arm, which.decode), style_of_point(which),
                       finished(rows_of(rows, which)), peak_megabytes, &EabCase::wall_seconds,
                       &EabCase::wall_seconds_lower, &EabCase::wall_seconds_upper, points);
  return points;
}

std::vector<ParetoPoint> points_of(const EpRows& rows) {
  std::vector<ParetoPoint> points;
  for (const std::string& arm : arms_of(rows))
    add_point<EpCase>(arm, style_of_ep_arm(arm), finished(rows_of(rows, arm)), beyond_weights,
                      &EpCase::step_seconds, &EpCase::step_seconds_lower,
                      &EpCase::step_seconds_upper, points);
  return points;
}

} // namespace

std::vector<bool> on_front(const std::vector<ParetoPoint>& points) {
  std::vector<bool> front;
  for (const ParetoPoint& one : points)
    front.push_back(std::ranges::none_of(points, [&](const ParetoPoint& other) {
      return other.megabytes <= one.megabytes && other.seconds <= one.seconds &&
             (other.megabytes < one.megabytes || other.seconds < one.seconds);
    }));
  return front;
}

std::vector<NamedPlot> eab_pareto_plots(const std::vector<EabCase>& cases) {
  std::vector<NamedPlot> plots;
  if (cases.empty())
    return plots;
  const EabGrouping grouping = group_rows(cases, kEabCompared);
  for (const auto& group : grouping.groups) {
    const std::vector<ParetoPoint> points = points_of(group.rows);
    if (points.size() < 2 || plots.size() == kMostPlots)
      continue;
    const EabCase& first = *group.rows.front();
    const std::string more =
        setting_text(grouping, group, {"model", "dtype", "max new tokens", "max paths"});
    plots.push_back(
        {numbered_name("eab-pareto", plots.size()),
         plot_of("Time against peak memory: which arms no other one beats in both",
                 fmt::format("{}, {}; at most {} new tokens and {} paths{}{}; {}", first.model,
                             first.dtype, first.max_new_tokens, first.max_paths,
                             more.empty() ? "" : ", ", more, medians_text(group.rows)),
                 "wall time", points)});
  }
  return plots;
}

std::vector<NamedPlot> ep_pareto_plots(const std::vector<EpCase>& cases) {
  std::vector<NamedPlot> plots;
  if (cases.empty())
    return plots;
  const EpGrouping grouping = group_rows(cases, kEpCompared);
  for (const EpGroup& group : grouping.groups) {
    std::vector<ParetoPoint> points;
    std::int64_t depth = 0;
    for (const std::int64_t one : depths_of(group.rows))
      if (auto more = points_of(at_depth(group.rows, one)); more.size() >= points.size()) {
        points = std::move(more);
        depth = one;
      }
    if (points.size() < 2 || plots.size() == kMostPlots)
      continue;
    const std::string setting = setting_text(grouping, group);
    plots.push_back(
        {numbered_name("ep-pareto", plots.size()),
         plot_of("A training step's time against its peak memory",
                 fmt::format("depth {}, {}{}{}; {}; reach differs between arms (ep-versus-depth)",
                             depth, shared_text(group.rows), setting.empty() ? "" : "; ", setting,
                             repeats_each(finished(at_depth(group.rows, depth)))),
                 "time of a training step", points)});
  }
  return plots;
}

} // namespace peakbench::report
