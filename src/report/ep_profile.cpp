// What an analysed case tells: the parts of a training step, forward passes with and without a
// graph, and which operation keeps what for the backward pass.
#include <cmath>
#include <map>
#include <set>

#include "report/ep_depths.h"
#include "report/sections.h"
#include "report/validity.h"

namespace peakbench::report {

namespace {

using results::EpCase;
using results::EpComponentRow;
using results::EpOperationRow;

constexpr std::string_view kComponentOrder[] = {"settling", "energy", "contrast", "update", "step"};
constexpr std::string_view kModeOrder[] = {"forward_manual_no_grad", "forward_module_no_grad",
                                           "forward_module_grad", "settling_step", "contrast"};

std::string megabytes(double bytes) { return number(bytes / kMegabyte); }

// Those of `names` that appear, in the order given, others after them.
std::vector<std::string> ordered(std::set<std::string> names,
                                 std::span<const std::string_view> order) {
  std::vector<std::string> result;
  for (const std::string_view name : order)
    if (names.erase(std::string(name)))
      result.emplace_back(name);
  result.insert(result.end(), names.begin(), names.end());
  return result;
}

template <class Part, class Get>
double median_of(const std::vector<const Part*>& parts, Get get) {
  std::vector<double> values;
  for (const Part* part : parts)
    values.push_back(get(*part));
  return median(std::move(values));
}

template <class Part>
std::vector<const Part*> parts_of(const std::vector<Part>& all, const EpRows& cases) {
  std::set<std::string> ids;
  for (const EpCase* row : cases)
    ids.insert(row->case_id);
  std::vector<const Part*> found;
  for (const Part& part : all)
    if (ids.contains(part.case_id))
      found.push_back(&part);
  return found;
}

// Calls `add(setting, arm, depth, cases)` for every arm and depth of every setting.
template <class Add>
void for_each_cell(const Grouping<EpCase>& grouping, Add add) {
  for (const auto& group : grouping.groups)
    for (const std::string& arm : arms_of(group.rows)) {
      std::map<std::int64_t, EpRows> depths;
      for (const EpCase* row : finished(rows_of(group.rows, arm)))
        depths[row->depth].push_back(row);
      for (const auto& [depth, cases] : depths)
        add(group.setting, arm, depth, cases);
    }
}

Table started(const char* title, const Grouping<EpCase>& grouping, std::vector<Column> rest) {
  Table table;
  table.title = title;
  table.columns = grouping.columns;
  table.columns.insert(table.columns.end(), rest.begin(), rest.end());
  return table;
}

Table component_table(const results::RunData& run, const Grouping<EpCase>& grouping) {
  Table table = started("EP: components of a training step", grouping,
                        {{"arm", "", true},
                         {"depth", ""},
                         {"component", "", true},
                         {"times", ""},
                         {"n", ""},
                         {"peak", "MB"},
                         {"found live", "MB"},
                         {"of its own", "MB"},
                         {"time", "ms"},
                         {"share", "%"}});
  const auto add = [&](const std::vector<std::string>& setting, const std::string& arm,
                       std::int64_t depth, const EpRows& cases) {
    std::map<std::string, std::vector<const EpComponentRow*>> by_name;
    std::set<std::string> names;
    for (const EpComponentRow* part : parts_of(run.ep_components, cases)) {
      by_name[part->component].push_back(part);
      names.insert(part->component);
    }
    const auto seconds = [](const EpComponentRow& part) { return part.seconds; };
    const double step = median_of(by_name["step"], seconds);
    for (const std::string& name : ordered(names, kComponentOrder)) {
      const auto& parts = by_name[name];
      const double peak = median_of(parts, [](const auto& one) { return real(one.peak_bytes); });
      const double held = median_of(parts, [](const auto& one) { return real(one.held_bytes); });
      const double time = median_of(parts, seconds);
      table.rows.push_back(joined(
          setting, {arm, count(depth), name,
                    whole(median_of(parts, [](const auto& one) { return real(one.evaluations); })),
                    std::to_string(parts.size()), megabytes(peak), megabytes(held),
                    megabytes(peak - held), number(1000 * time), fixed(100 * time / step, 1)}));
    }
  };
  for_each_cell(grouping, add);
  table.notes.push_back("n: cases. Of each one the step with the median time of three steps that "
                        "were profiled beside the timed ones. Beyond weights and batch. Found "
                        "live: what the evaluation with that peak "
                        "began with, so that nothing counts as two components' own.");
  table.notes.push_back(
      "energy runs inside settling and contrast (for arms that record a graph of it), and where "
      "gradients are applied as they come update runs inside contrast; the time inside is taken "
      "off, so that the components and what is none of them add up to step.");
  return table;
}

Table forward_table(const results::RunData& run, const Grouping<EpCase>& grouping) {
  Table table = started("EP: forward pass, by hand and as modules", grouping,
                        {{"depth", ""},
                         {"mode", "", true},
                         {"peak", "MB"},
                         {"live at its end", "MB"},
                         {"beyond no_grad", "MB"},
                         {"hidden activations", ""},
                         {"of", "bytes"}});
  for (const auto& group : grouping.groups) {
    std::map<std::int64_t, EpRows> depths; // any arm's: the network is the same
    for (const EpCase* row : finished(group.rows))
      depths[row->depth].push_back(row);
    for (const auto& [depth, cases] : depths) {
      std::map<std::string, std::vector<const EpOperationRow*>> peaks, lives;
      std::set<std::string> modes;
      for (const EpOperationRow* one : parts_of(run.ep_operations, cases)) {
        if (!one->mode.starts_with("forward_"))
          continue;
        modes.insert(one->mode);
        (one->operation == "peak" ? peaks : lives)[one->mode].push_back(one);
      }
      const auto bytes = [](const EpOperationRow& one) { return real(one.bytes); };
      const double least = median_of(lives["forward_module_no_grad"], bytes);
      for (const std::string& mode : ordered(modes, kModeOrder)) {
        const double live = median_of(lives[mode], bytes);
        const EpCase& any = *cases.front();
        const std::int64_t each =
            any.batch * any.width * (any.dtype == "float64" ? 8 : 4); // a hidden activation
        table.rows.push_back(joined(
            group.setting, {count(depth), mode, megabytes(median_of(peaks[mode], bytes)),
                            megabytes(live), megabytes(live - least),
                            whole((live - least) / static_cast<double>(each)), count(each)}));
      }
    }
  }
  table.notes.push_back("Beyond weights and batch. What a graph keeps is the output of every ReLU: "
                        "published +1.62 MB for 99 of them at depth 100.");
  return table;
}

Table operation_table(const results::RunData& run, const Grouping<EpCase>& grouping) {
  Table table = started("EP: what operations keep for the backward pass", grouping,
                        {{"arm", "", true},
                         {"depth", ""},
                         {"graph of", "", true},
                         {"operation", "", true},
                         {"tensors", ""},
                         {"saved", "MB"},
                         {"kept", "MB"}});
  const auto add = [&](const std::vector<std::string>& setting, const std::string& arm,
                       std::int64_t depth, const EpRows& cases) {
    std::map<std::string, std::map<std::string, std::vector<const EpOperationRow*>>> modes;
    std::set<std::string> names;
    for (const EpOperationRow* one : parts_of(run.ep_operations, cases))
      if (!one->mode.starts_with("forward_")) {
        modes[one->mode][one->operation].push_back(one);
        names.insert(one->mode);
      }
    for (const std::string& mode : ordered(names, kModeOrder)) {
      double tensors = 0, saved = 0, kept = 0;
      const auto row = [&](const std::string& operation, double n, double all, double own) {
        table.rows.push_back(joined(setting, {arm, count(depth), mode, operation, whole(n),
                                              megabytes(all), megabytes(own)}));
      };
      for (const auto& [operation, parts] : modes[mode]) {
        const double n = median_of(parts, [](const auto& one) { return real(one.count); });
        const double all = median_of(parts, [](const auto& one) { return real(one.bytes); });
        const double own = median_of(parts, [](const auto& one) { return real(one.kept_bytes); });
        row(operation, n, all, own);
        tensors += n, saved += all, kept += own;
      }
      row("all", tensors, saved, kept);
    }
  };
  for_each_cell(grouping, add);
  table.notes.push_back(
      "Saved: every tensor by itself. Kept: their storages, each once, where it "
      "is saved first, without weights, batch and states, which are there anyhow.");
  table.notes.push_back("ep_manual's graph is one layer's at a time; its figures are sums over the "
                        "layers of a step that are never live together.");
  return table;
}

} // namespace

std::vector<Table> ep_profile_tables(const results::RunData& run) {
  if (run.ep.empty())
    return {};
  const auto grouping = group_rows(run.ep, kEpCompared);
  std::vector<Table> tables{component_table(run, grouping), forward_table(run, grouping),
                            operation_table(run, grouping)};
  std::erase_if(tables, [](const Table& table) { return table.rows.empty(); });
  add_validity(tables, run.ep);
  return tables;
}

} // namespace peakbench::report
