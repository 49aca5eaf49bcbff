#include "suite/demo_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "report/sections.h"
#include "report/shown_text.h"
#include "report/token_tree.h"

namespace peakbench::suite {

namespace {

constexpr std::size_t kWidth = 120;

report::TracedCase traced(const DemoResult& result, std::size_t index) {
  return {result.data.eab[index], result.traces[index], result.prompt};
}

std::string heading(const DemoResult& result) {
  const results::EabCase& first = result.data.eab.front();
  const results::EnvironmentRow& where = result.data.environment.front();
  std::string text = fmt::format("“{}”\n", report::shown_text(result.prompt));
  text +=
      fmt::format("{}, {}, {} prompt; on {} with {} thread{}.\n", first.model, first.dtype,
                  first.prompt_format, where.device_name.empty() ? where.device : where.device_name,
                  where.threads, where.threads == 1 ? "" : "s");
  const measure::TrialPlan& repeats = result.config.repeats;
  text +=
      "Measured as by `peakbench run`, after a few tokens by every arm that do not count: every ";
  text += repeats.min == repeats.max
              ? fmt::format("arm {} time{}.\n", repeats.max, repeats.max == 1 ? "" : "s")
              : fmt::format("arm once,\nor up to {} times where they take less than {:g} s; "
                            "medians.\n",
                            repeats.max, repeats.time_limit_seconds);
  return text;
}

} // namespace

std::optional<std::size_t> shown_case(const DemoResult& result) {
  return report::case_to_show(result.data.eab);
}

bool all_ok(const DemoResult& result) {
  return std::ranges::all_of(result.data.eab, [](const results::EabCase& row) {
    return row.status == "ok" && !row.validity.starts_with("INVALID");
  });
}

std::string demo_text(const DemoResult& result) {
  std::vector<report::Table> tables = report::eab_comparison_tables(result.data.eab);
  if (const auto shown = shown_case(result))
    tables.push_back(report::samples_table(traced(result, *shown)));
  const auto add = [&](std::vector<report::Table> more) {
    std::ranges::move(more, std::back_inserter(tables));
  };
  add(report::eab_quality_tables(result.data.eab));
  if (!all_ok(result))
    add(report::validity_tables(result.data));
  std::erase_if(tables, [](const report::Table& table) { return table.rows.empty(); });
  return heading(result) + "\n" + report::render(tables, report::Format::text);
}

std::string demo_tree(const DemoResult& result) {
  const auto shown = shown_case(result);
  if (!shown)
    return "no tree: no arm came to its end\n";
  return report::tree_text(result.traces[*shown], kWidth);
}

std::vector<report::NamedPlot> demo_plots(const DemoResult& result, const std::string& prefix) {
  const auto shown = shown_case(result);
  if (!shown)
    return {};
  std::vector<results::EabCase> ok;
  std::ranges::copy_if(result.data.eab, std::back_inserter(ok),
                       [](const results::EabCase& row) { return row.status == "ok"; });
  const report::TracedCase one = traced(result, *shown);
  return {{prefix + kDemoPlots[0], report::entropy_plot(one)},
          {prefix + kDemoPlots[1], report::tree_plot(one)},
          {prefix + kDemoPlots[2], report::resource_plot(ok, result.prompt)}};
}

} // namespace peakbench::suite
