// Bars: what every arm needed.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/eab_arms.h"
#include "report/eab_plot_parts.h"
#include "report/eab_plots.h"
#include "report/numbers.h"

namespace peakbench::report {

namespace {

using results::EabCase;

struct ArmRows {
  ArmDecode which;
  EabRows rows; // finished ones, at least one
};

std::vector<ArmRows> arms_of(const std::vector<EabCase>& cases) {
  EabRows all;
  for (const EabCase& row : cases)
    all.push_back(&row);
  std::vector<ArmRows> arms;
  for (const ArmDecode& which : kEabOrder)
    if (EabRows rows = finished(rows_of(all, which)); !rows.empty())
      arms.push_back({which, std::move(rows)});
  return arms;
}

constexpr double kHalfBar = 0.32;
constexpr double kSplit = -0.06; // between a row's thick bar and the thin one below it

Axis rows_axis(const std::vector<ArmRows>& arms, bool named) {
  Axis axis;
  axis.low = -static_cast<double>(arms.size()) + 0.4;
  axis.high = 0.6;
  for (std::size_t i = 0; i < arms.size(); ++i)
    axis.ticks.push_back(
        {-static_cast<double>(i), named ? arm_title(arms[i].which.arm, arms[i].which.decode) : ""});
  return axis;
}

Box bar(std::size_t row, double from, double to) {
  const double at = -static_cast<double>(row);
  return {from, to, at - kHalfBar, at + kHalfBar};
}

Label value_label(std::size_t row, double at, const std::string& text) {
  return {.x = at, .y = -static_cast<double>(row), .text = text, .move_x = 6};
}

Panel times(const std::vector<ArmRows>& arms) {
  Panel panel;
  panel.title = "Wall time";
  panel.x = {.title = "wall time", .unit = "s", .low = 0.0};
  panel.y = rows_axis(arms, true);
  Boxes bars{"", Colour::dark_grey, 1, {}};
  Series intervals{"", {.colour = Colour::orange, .width = 2}, {}};
  double greatest = 0;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    const double seconds = median_over(arms[i].rows, wall);
    bars.boxes.push_back(bar(i, 0, seconds));
    double end = seconds;
    if (const EabCase& row = *arms[i].rows.front(); arms[i].rows.size() == 1 && row.repeats > 1) {
      const double y = -static_cast<double>(i);
      intervals.points.insert(
          intervals.points.end(),
          {{row.wall_seconds_lower, y}, {row.wall_seconds_upper, y}, {kNoValue, kNoValue}});
      end = row.wall_seconds_upper;
    }
    panel.labels.push_back(value_label(i, end, number(seconds) + " s"));
    greatest = std::max(greatest, end);
  }
  panel.x.high = 1.22 * greatest;
  panel.boxes = {bars};
  panel.series = {intervals};
  panel.share = 1.05;
  return panel;
}

// The peak's parts, one after the other.
struct Part {
  const char* title;
  Colour colour;
  double (*megabytes)(const EabCase&);
};
double kv_part(const EabCase& row) { return real(row.peak.kv_cache) / kMegabyte; }
double logits_part(const EabCase& row) { return real(row.peak.logits) / kMegabyte; }
double work_part(const EabCase& row) {
  const double sum = real(row.peak.activations) + real(row.peak.workspace);
  return sum / kMegabyte;
}
double kv_greatest(const EabCase& row) { return real(row.kv_physical_bytes) / kMegabyte; }
double kv_least(const EabCase& row) { return real(row.kv_bound_bytes) / kMegabyte; }
constexpr Part kParts[] = {{"KV cache at the peak", Colour::blue, kv_part},
                           {"logits", Colour::orange, logits_part},
                           {"activations and workspace", Colour::light_grey, work_part}};

// Above, the peak and what it consists of; below, thin, the KV cache when it was at its greatest,
// which need not be the same moment.
Panel memory(const std::vector<ArmRows>& arms) {
  Panel panel;
  panel.title = "Peak memory beyond the weights (MB = 10⁶ bytes)";
  panel.x = {.title = "memory", .unit = "MB", .low = 0.0};
  panel.y = rows_axis(arms, false);
  for (const Part& part : kParts)
    panel.boxes.push_back({part.title, part.colour, 1, {}});
  Boxes others{"other", Colour::green, 1, {}};
  Boxes greatest_kv{"KV cache at its own greatest", Colour::sky, 1, {}};
  std::vector<Point> bounds;
  double greatest = 0;
  for (std::size_t i = 0; i < arms.size(); ++i) {
    const EabRows& rows = arms[i].rows;
    const double row = -static_cast<double>(i), peak = median_over(rows, peak_megabytes);
    double at = 0;
    const auto add = [&](Boxes& group, double end) {
      group.boxes.push_back({at, end, row + kSplit, row + kHalfBar});
      at = end;
    };
    for (std::size_t p = 0; p < std::size(kParts); ++p)
      if (const double part = median_over(rows, kParts[p].megabytes); part > 0)
        add(panel.boxes[p], at + part);
    // Medians of parts need not add up to the median of the whole.
    if (peak - at > 1e-3 * peak)
      add(others, peak);
    panel.labels.push_back(value_label(i, std::max(at, peak), number(peak) + " MB"));
    const double kv = median_over(rows, kv_greatest), bound = median_over(rows, kv_least);
    if (kv > 0)
      greatest_kv.boxes.push_back({0, kv, row - kHalfBar, row + kSplit});
    if (bound > 0)
      bounds.push_back({bound, row});
    greatest = std::max({greatest, at, peak, std::isnan(kv) ? 0 : kv});
  }
  panel.x.high = 1.22 * greatest;
  if (!others.boxes.empty())
    panel.boxes.push_back(others);
  panel.boxes.push_back(greatest_kv);
  Boxes strokes{"least it could be (unique live tokens)", Colour::black, 1, {}};
  const double half = 0.002 * *panel.x.high; // a stroke, not an amount
  for (const Point& bound : bounds)
    strokes.boxes.push_back(
        {bound.x - half, bound.x + half, bound.y - kHalfBar - 0.08, bound.y + kSplit + 0.08});
  panel.boxes.push_back(strokes);
  panel.share = 1.45;
  return panel;
}

} // namespace

Plot resource_plot(const std::vector<EabCase>& cases, const std::string& prompt) {
  const std::vector<ArmRows> arms = arms_of(cases);
  Plot plot;
  plot.title = "What every arm needed";
  if (!cases.empty()) {
    const EabCase& first = cases.front();
    EabRows all;
    for (const EabCase& row : cases)
      all.push_back(&row);
    const auto same = [&](const EabCase& row) {
      return row.prompt_id == first.prompt_id && row.prompt_hash == first.prompt_hash;
    };
    plot.subtitles = {
        std::ranges::all_of(cases, same) ? prompt_line(first, prompt) : medians_text(all),
        fmt::format("{}, {}; at most {} new tokens and {} paths, branch factor {}, threshold {:g}, "
                    "temperature {:g}",
                    first.model, first.dtype, first.max_new_tokens, first.max_paths,
                    first.branch_factor, first.threshold, first.temperature)};
  }
  plot.panels = {times(arms), memory(arms)};
  plot.side_by_side = true;
  plot.width = 1180;
  plot.height = 150 + 44 * static_cast<int>(std::max<std::size_t>(arms.size(), 2));
  return plot;
}

} // namespace peakbench::report
