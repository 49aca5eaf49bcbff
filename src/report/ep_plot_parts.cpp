#include "report/ep_plot_parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <set>

#include "report/plot_layout.h"

namespace peakbench::report {

namespace {

struct ArmStyle {
  std::string_view arm;
  Style style;
};
// In the order in which arms are chosen where there are too many: baselines and goals first.
constexpr ArmStyle kArmStyles[] = {
    {"backprop", {Colour::black, Dash::solid, Marker::disc, 2, 1.5}},
    {"truncated_backprop", {Colour::orange, Dash::dashed, Marker::triangle, 2, 1.2}},
    {"ep_autograd", {Colour::vermillion, Dash::solid, Marker::square, 2, 1.2}},
    {"ep_analytic", {Colour::green, Dash::dash_dot, Marker::diamond, 2, 1.5}},
    {"ep_fused", {Colour::blue, Dash::dotted, Marker::disc, 2, 0.7}},
    {"ep_sweep", {Colour::purple, Dash::dashed, Marker::box, 2, 1.5}},
    {"ep_sweep_checkpoint", {Colour::sky, Dash::dotted, Marker::circle, 2, 1}},
    {"backprop_checkpoint", {Colour::dark_grey, Dash::dashed, Marker::circle}},
    {"backprop_streamed", {Colour::grey, Dash::dotted, Marker::box}},
    {"ep_checkpoint", {Colour::vermillion, Dash::dashed, Marker::circle}},
    {"ep_manual", {Colour::vermillion, Dash::dotted, Marker::cross}},
    {"ep_batched", {Colour::green, Dash::dotted, Marker::plus}},
    {"ep_finite_difference", {Colour::light_grey, Dash::dotted, Marker::plus}},
};

std::set<std::string> titles_of(const Panel& panel) {
  std::set<std::string> titles;
  for (const Series& series : panel.series)
    titles.insert(series.title);
  return titles;
}

} // namespace

// Curves that agree lie on each other: broken lines and smaller markers let the lower one be seen.
Style style_of_ep_arm(std::string_view arm) {
  Style style{.colour = Colour::grey, .marker = Marker::plus};
  for (const ArmStyle& known : kArmStyles)
    if (known.arm == arm)
      style = known.style;
  style.width = 2;
  return style;
}

DrawnArms arms_to_draw(const EpRows& rows) {
  std::set<std::string> present;
  for (const results::EpCase* row : rows)
    present.insert(row->arm);
  std::vector<std::string> all;
  for (const ArmStyle& known : kArmStyles)
    if (present.erase(std::string(known.arm)))
      all.emplace_back(known.arm);
  all.insert(all.end(), present.begin(), present.end());
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), kMostEpCurves));
  return {{all.begin(), end}, {end, all.end()}};
}

EpRows at_depth(const EpRows& rows, std::int64_t depth) {
  EpRows found;
  for (const results::EpCase* row : rows)
    if (row->depth == depth)
      found.push_back(row);
  return found;
}

std::vector<std::int64_t> depths_of(const EpRows& rows) {
  std::set<std::int64_t> depths;
  for (const results::EpCase* row : rows)
    depths.insert(row->depth);
  return {depths.begin(), depths.end()};
}

std::string shared_text(const EpRows& rows) {
  const results::EpCase& first = *rows.front();
  std::string text =
      fmt::format("width {}, batch {}, T = {}, beta {:g}, {}, {}", first.width, first.batch,
                  first.steps, first.beta, first.optimizer, first.dtype);
  if (!first.dataset.empty())
    text += fmt::format(", learning rate {:g}", first.learning_rate);
  return text;
}

std::string numbered_name(const std::string& name, std::size_t index) {
  return index == 0 ? name : fmt::format("{}-{}", name, index + 1);
}

void put_side_by_side(Plot& plot) {
  std::set<std::string> told;
  Panel* fullest = nullptr;
  for (Panel& panel : plot.panels) {
    panel.legend = false;
    if (!fullest || titles_of(panel).size() >= titles_of(*fullest).size())
      fullest = &panel;
  }
  constexpr double kPanelWidth = 350, kLegendWidth = 200;
  plot.width = 0;
  for (Panel& panel : plot.panels) {
    panel.legend = &panel == fullest;
    for (const std::string& title : titles_of(panel))
      panel.legend = panel.legend || !titles_of(*fullest).contains(title);
    const double width = kPanelWidth + (panel.legend ? kLegendWidth : 0);
    panel.share = width / kPanelWidth;
    plot.width += static_cast<int>(width);
  }
  plot.side_by_side = true;
  plot.height = 430;
}

void tell_left_out(Plot& plot, const DrawnArms& arms) {
  if (!arms.left_out.empty())
    plot.subtitles.push_back(fmt::format("Not shown: {}", fmt::join(arms.left_out, ", ")));
}

Axis depth_axis(const std::vector<std::int64_t>& depths) {
  Axis axis{.title = "depth", .unit = "layers", .logarithmic = true};
  double before = 0;
  for (const std::int64_t depth : depths) {
    const auto at = static_cast<double>(depth);
    // Labels need room: none nearer than a fifth of a decade to the one before.
    axis.ticks.push_back({at, before > 0 && at / before < 1.6 ? "" : std::to_string(depth)});
    before = axis.ticks.back().text.empty() ? before : at;
  }
  if (depths.size() > 1) {
    axis.low = 0.85 * static_cast<double>(depths.front());
    axis.high = static_cast<double>(depths.back()) / 0.85;
  }
  return axis;
}

Axis decades_axis(const std::string& title, const std::string& unit, const Panel& panel) {
  Axis axis{.title = title, .unit = unit, .logarithmic = true};
  std::vector<double> values;
  for (const Series& series : panel.series)
    for (const Point& point : series.points)
      values.push_back(point.y);
  const Range range = range_of(axis, values);
  const double first = std::ceil(std::log10(range.low)), last = std::floor(std::log10(range.high));
  constexpr double kMostTicks = 8;
  if (last - first < 3)
    return axis;
  const double step = std::ceil((last - first + 1) / kMostTicks);
  const bool plain = first >= -4 && last <= 5; // 0.01 and 100 are read with less effort than 1e-2
  for (double power = std::ceil(first / step) * step; power <= last; power += step) {
    const double at = std::pow(10, power);
    axis.ticks.push_back(
        {at, plain || power == 0 ? fmt::format("{:.10g}", at) : fmt::format("1e{:.0f}", power)});
  }
  return axis;
}

} // namespace peakbench::report
