#include "report/comm_plots.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <set>

namespace peakbench::report {

namespace {

using results::CommCase;

constexpr double kGigabyte = 1e9;
constexpr std::size_t kMostPanels = 4;
constexpr std::array<const char*, 4> kOperations{"all_gather", "all_reduce", "broadcast", "reduce"};

// "512 B", "2 KB": sizes double, so decades would be odd numbers.
std::string size_text(double bytes) {
  for (const char* unit : {"B", "KiB", "MiB"}) {
    if (bytes < 1024)
      return fmt::format("{:g} {}", bytes, unit);
    bytes /= 1024;
  }
  return fmt::format("{:g} GiB", bytes);
}

Axis size_axis(const std::set<std::int64_t>& sizes) {
  Axis axis{.title = "message size", .logarithmic = true};
  for (const std::int64_t size : sizes)
    axis.ticks.push_back({static_cast<double>(size), size_text(static_cast<double>(size))});
  return axis;
}

Panel panel_of(const std::vector<const CommCase*>& rows) {
  Panel panel;
  std::set<std::int64_t> sizes;
  for (std::size_t i = 0; i < kOperations.size(); ++i) {
    std::map<std::int64_t, Point> points;
    for (const CommCase* row : rows) {
      if (row->operation != kOperations[i])
        continue;
      // All of a row's figures are in proportion: bandwidth x time is the same at either end.
      const double moved = row->bus_bandwidth * row->seconds / kGigabyte;
      points[row->sent_bytes] = {static_cast<double>(row->sent_bytes),
                                 row->bus_bandwidth / kGigabyte, moved / row->seconds_upper,
                                 moved / row->seconds_lower};
      sizes.insert(row->sent_bytes);
    }
    Series line{.title = kOperations[i], .style = style_number(i)};
    for (const auto& [size, point] : points)
      line.points.push_back(point);
    if (!line.points.empty())
      panel.series.push_back(std::move(line));
  }
  if (sizes.size() < 2)
    return {};
  panel.x = size_axis(sizes);
  panel.y = {.title = "bus bandwidth", .unit = "GB/s", .logarithmic = true};
  return panel;
}

} // namespace

std::vector<NamedPlot> comm_plots(const std::vector<CommCase>& cases) {
  // Of one rank alone, and of nothing, there is no bandwidth between ranks.
  std::map<std::pair<std::string, std::int64_t>, std::vector<const CommCase*>> groups;
  for (const CommCase& row : cases)
    if (row.status == "ok" && row.validity == "VALID" && row.bus_bandwidth > 0)
      groups[{row.transport, row.ranks}].push_back(&row);
  Plot plot;
  plot.title = "Collectives: bus bandwidth versus message size";
  plot.subtitles = {
      "As nccl-tests counts both; whiskers: interval of the slowest rank's median time "
      "(95 % from 6 repeats on)"};
  plot.side_by_side = true;
  plot.width = 0;
  for (const auto& [key, rows] : groups) {
    Panel panel = panel_of(rows);
    if (panel.series.empty() || plot.panels.size() == kMostPanels)
      continue;
    panel.title = fmt::format("{}, {} ranks", key.first, key.second);
    panel.legend = plot.panels.empty();
    plot.panels.push_back(std::move(panel));
    plot.width += 620;
  }
  if (plot.panels.empty())
    return {};
  return {{"comm-bandwidth", std::move(plot)}};
}

} // namespace peakbench::report
