// Speed-up and memory versus whatever varies between the cases of a run.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "report/eab_arms.h"
#include "report/eab_plot_parts.h"
#include "report/eab_plots.h"
#include "report/numbers.h"

namespace peakbench::report {

namespace {

using results::EabCase;

// A column that can be an axis.
struct Factor {
  std::string_view column, title, unit;
  double (*of)(const EabCase&);
};
constexpr Factor kFactors[] = {
    {"prompt_tokens", "length of the prompt", "tokens",
     [](const EabCase& row) { return real(row.prompt_tokens); }},
    {"max_new_tokens", "longest sample", "tokens",
     [](const EabCase& row) { return real(row.max_new_tokens); }},
    {"branch_factor", "branch factor", "",
     [](const EabCase& row) { return real(row.branch_factor); }},
    {"max_paths", "most paths alive", "", [](const EabCase& row) { return real(row.max_paths); }},
    {"threshold", "threshold", "", [](const EabCase& row) { return row.threshold; }},
    {"temperature", "temperature", "", [](const EabCase& row) { return row.temperature; }},
    {"top_k", "top_k", "", [](const EabCase& row) { return real(row.top_k); }},
    {"top_p", "top_p", "", [](const EabCase& row) { return row.top_p; }},
};
constexpr std::size_t kMostPlots = 6; // of one factor, one for each setting of the others

// Rows by the value of the factor. Prompts of about one length count as one.
std::map<double, EabRows> by_value(const EabRows& rows, const Factor& factor) {
  std::map<double, EabRows> values;
  if (factor.column == "prompt_tokens") {
    const std::vector<Lengths> all = lengths_of(rows);
    if (lengths_vary(all))
      for (const Lengths& lengths : all)
        values[static_cast<double>(lengths.first + lengths.second) / 2] =
            rows_within(rows, lengths);
  } else {
    for (const EabCase* row : rows)
      values[factor.of(*row)].push_back(row);
  }
  return values;
}

// Several lengths stand at their middle, and no prompt has 42.5 tokens.
std::string label_of(const Factor& factor, double value, const EabRows& rows) {
  if (factor.column != "prompt_tokens")
    return fmt::format("{:g}", value);
  const auto [least, most] =
      std::ranges::minmax(rows, {}, [](const EabCase* row) { return row->prompt_tokens; });
  return text_of(Lengths{least->prompt_tokens, most->prompt_tokens});
}

Axis factor_axis(const Factor& factor, const std::map<double, EabRows>& values) {
  Axis axis{.title = std::string(factor.title), .unit = std::string(factor.unit)};
  const double least = values.begin()->first, greatest = values.rbegin()->first;
  axis.logarithmic = least > 0 && greatest / least >= 5;
  for (const auto& [value, rows] : values)
    axis.ticks.push_back({value, label_of(factor, value, rows)});
  if (!axis.logarithmic) {
    const double room = 0.05 * (greatest - least);
    axis.low = least - room;
    axis.high = greatest + room;
  }
  return axis;
}

using Value = double (*)(const EabRows& of_arm, const EabRows& all);
double speed_up(const EabRows& of_arm, const EabRows& all) {
  return paired_speed_up(of_arm, rows_preferring(all, "naive", "per_path"));
}
double peak(const EabRows& of_arm, const EabRows&) {
  return median_over(finished(of_arm), peak_megabytes);
}

Panel panel_of(const std::map<double, EabRows>& values, const std::string& title,
               const std::string& unit, Value value) {
  Panel panel;
  panel.title = title;
  for (const ArmDecode& which : kEabOrder) {
    Series line{arm_title(which.arm, which.decode), style_of_arm(which.arm, which.decode), {}};
    for (const auto& [x, rows] : values)
      if (const EabRows mine = rows_of(rows, which); !mine.empty())
        if (const double y = value(mine, rows); y > 0)
          line.points.push_back({x, y});
    if (!line.points.empty())
      panel.series.push_back(line);
  }
  panel.y = {.title = title, .unit = unit, .logarithmic = true};
  return panel;
}

std::optional<Plot> versus(const EabRows& rows, const Factor& factor, const std::string& setting) {
  const std::map<double, EabRows> values = by_value(rows, factor);
  if (values.size() < 2)
    return std::nullopt;
  Plot plot;
  plot.title = fmt::format("Speed-up and memory versus {}", factor.title);
  const EabCase& first = *rows.front();
  plot.subtitles = {fmt::format("{}, {}; {}{}{}", first.model, first.dtype, medians_text(rows),
                                setting.empty() ? "" : "; ", setting)};
  plot.panels = {panel_of(values, "speed-up against naive sampling", "x", speed_up),
                 panel_of(values, "peak memory beyond the weights", "MB", peak)};
  std::erase_if(plot.panels, [](const Panel& panel) { return panel.series.empty(); });
  if (plot.panels.empty())
    return std::nullopt;
  for (Panel& panel : plot.panels) {
    panel.x = factor_axis(factor, values);
    panel.title.clear();
    panel.legend = &panel == &plot.panels.back();
  }
  if (plot.panels.size() == 2)
    plot.panels[1].share = 1.38; // the legend's room
  plot.side_by_side = true;
  plot.width = 1180;
  plot.height = 470;
  return plot;
}

std::string numbered(const std::string& name, std::size_t index) {
  return index == 0 ? name : fmt::format("{}-{}", name, index + 1);
}

} // namespace

std::vector<NamedPlot> eab_plots(const std::vector<EabCase>& cases) {
  std::vector<NamedPlot> plots;
  if (cases.empty())
    return plots;
  const Grouping<EabCase> settings = group_rows(cases, kEabCompared);
  for (std::size_t g = 0; g < std::min(settings.groups.size(), kMostPlots); ++g) {
    std::vector<EabCase> rows;
    for (const EabCase* row : finished(settings.groups[g].rows))
      rows.push_back(*row);
    if (rows.empty())
      continue;
    Plot plot = resource_plot(rows);
    const std::string more =
        setting_text(settings, settings.groups[g],
                     {"model", "dtype", "max new tokens", "max paths", "branch factor", "threshold",
                      "temperature"}); // which it tells itself
    plot.subtitles.back() += (more.empty() ? "" : ", ") + more;
    plots.push_back({numbered("eab-resources", g), std::move(plot)});
  }
  for (const Factor& factor : kFactors) {
    std::vector<std::string_view> compared(std::begin(kEabCompared), std::end(kEabCompared));
    compared.push_back(factor.column);
    const Grouping<EabCase> grouping = group_rows(cases, compared);
    std::size_t made = 0;
    for (const Group<EabCase>& group : grouping.groups) {
      if (made == kMostPlots)
        break;
      if (auto plot = versus(group.rows, factor, setting_text(grouping, group)))
        plots.push_back(
            {numbered(fmt::format("eab-versus-{}", factor.column), made++), *std::move(plot)});
    }
  }
  return plots;
}

std::optional<std::size_t> case_to_show(const std::vector<EabCase>& cases) {
  const auto worth = [](const EabCase& row) {
    if (row.status != "ok")
      return 0;
    if (row.arm == "cow")
      return row.decode == "batched" ? 4 : 3;
    return row.arm == "original" ? 2 : 1;
  };
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < cases.size(); ++i)
    if (worth(cases[i]) > (best ? worth(cases[*best]) : 0))
      best = i;
  return best;
}

} // namespace peakbench::report
