// Does it learn? Accuracy versus depth, and training curves.
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "report/ep_plot_parts.h"
#include "report/ep_plots.h"

namespace peakbench::report {

namespace {

using results::EpCase;
using results::EpTrainingRow;
constexpr std::string_view kCompared[] = {"arm", "depth", "seed"};
constexpr std::string_view kComparedWithInit[] = {"arm", "depth", "seed", "init"};

// What was asked to train, whether or not it came to its end.
std::vector<EpCase> trained(const std::vector<EpCase>& cases) {
  std::vector<EpCase> found;
  for (const EpCase& row : cases)
    if (!row.dataset.empty())
      found.push_back(row);
  return found;
}

std::string training_text(const EpRows& rows) {
  return fmt::format("{} steps on {}; {}", rows.front()->training_steps, rows.front()->dataset,
                     shared_text(rows));
}

Panel accuracy_panel(const EpRows& rows, const DrawnArms& arms) {
  Panel panel;
  for (const std::string& arm : arms.shown) {
    Series line{.title = arm, .style = style_of_ep_arm(arm)};
    for (const std::int64_t depth : depths_of(rows))
      if (const double accuracy =
              median_over(rows_of(at_depth(rows, depth), arm),
                          [](const EpCase& row) { return 100 * row.test_accuracy; });
          !std::isnan(accuracy))
        line.points.push_back({static_cast<double>(depth), accuracy});
    if (!line.points.empty())
      panel.series.push_back(std::move(line));
  }
  panel.x = depth_axis(depths_of(rows));
  panel.y = {.title = "test accuracy", .unit = "%", .low = 0, .high = 100};
  return panel;
}

// The median over cases (seeds) at every step that they have.
Series curve_of(const std::string& arm, const EpRows& rows,
                const std::vector<EpTrainingRow>& training) {
  std::map<std::int64_t, std::vector<double>> values;
  for (const EpCase* row : rows)
    for (const EpTrainingRow& point : training)
      if (point.case_id == row->case_id)
        values[point.step].push_back(100 * point.test_accuracy);
  Series line{.title = arm, .style = style_of_ep_arm(arm)};
  for (auto& [step, all] : values)
    if (const double accuracy = median(std::move(all)); !std::isnan(accuracy))
      line.points.push_back({static_cast<double>(step), accuracy});
  return line;
}

// At most kMostEpPanels, the least and the greatest among them.
std::vector<std::int64_t> depths_to_draw(const EpRows& rows) {
  const std::vector<std::int64_t> all = depths_of(rows);
  if (all.size() <= kMostEpPanels)
    return all;
  std::vector<std::int64_t> chosen;
  for (std::size_t i = 0; i < kMostEpPanels; ++i)
    chosen.push_back(all[i * (all.size() - 1) / (kMostEpPanels - 1)]);
  return chosen;
}

} // namespace

std::vector<NamedPlot> ep_accuracy_plots(const std::vector<EpCase>& all) {
  std::vector<NamedPlot> plots;
  const std::vector<EpCase> cases = trained(all);
  if (cases.empty())
    return plots;
  const EpGrouping grouping = group_rows(cases, kComparedWithInit);
  for (const EpGroup& group : grouping.groups) {
    const DrawnArms arms = arms_to_draw(group.rows);
    Plot plot;
    plot.title = "Does it learn? Test accuracy versus depth";
    const std::string setting = setting_text(grouping, group);
    plot.subtitles = {training_text(group.rows) + (setting.empty() ? "" : "; " + setting)};
    tell_left_out(plot, arms);
    std::map<std::string, EpRows> by_init;
    for (const EpCase* row : finished(group.rows))
      by_init[row->init].push_back(row);
    for (const auto& [init, rows] : by_init) {
      if (depths_of(rows).size() < 2)
        continue;
      Panel panel = accuracy_panel(rows, arms);
      panel.title = "init " + init;
      if (!panel.series.empty())
        plot.panels.push_back(std::move(panel));
    }
    if (plot.panels.empty() || plots.size() == kMostEpPlots)
      continue;
    put_side_by_side(plot);
    plots.push_back({numbered_name("ep-accuracy-versus-depth", plots.size()), std::move(plot)});
  }
  return plots;
}

std::vector<NamedPlot> ep_training_plots(const std::vector<EpCase>& all,
                                         const std::vector<EpTrainingRow>& training) {
  std::vector<NamedPlot> plots;
  const std::vector<EpCase> cases = trained(all);
  if (cases.empty())
    return plots;
  const EpGrouping grouping = group_rows(cases, kCompared);
  for (const EpGroup& group : grouping.groups) {
    const DrawnArms arms = arms_to_draw(group.rows);
    Plot plot;
    plot.title = fmt::format("Does it learn? Training curves, init {}", group.rows.front()->init);
    plot.subtitles = {training_text(group.rows),
                      "A curve that ends early belongs to a run that diverged or was stopped."};
    tell_left_out(plot, arms);
    for (const std::int64_t depth : depths_to_draw(group.rows)) {
      Panel panel;
      panel.title = fmt::format("depth {}", depth);
      for (const std::string& arm : arms.shown)
        if (Series line = curve_of(arm, rows_of(at_depth(group.rows, depth), arm), training);
            !line.points.empty())
          panel.series.push_back(std::move(line));
      panel.x = {.title = "training step", .whole = true};
      panel.y = {.title = "test accuracy", .unit = "%", .low = 0, .high = 100};
      if (!panel.series.empty())
        plot.panels.push_back(std::move(panel));
    }
    if (plot.panels.empty() || plots.size() == kMostEpPlots)
      continue;
    put_side_by_side(plot);
    plots.push_back({numbered_name("ep-training", plots.size()), std::move(plot)});
  }
  return plots;
}

} // namespace peakbench::report
