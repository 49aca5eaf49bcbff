#include "report/ep_criteria.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <functional>
#include <optional>

#include "report/ep_depths.h"
#include "report/ep_slopes.h"
#include "report/sections.h"
#include "report/validity.h"

namespace peakbench::report {

namespace {

using results::EpCase;

// ep.md. The differences are what src/ep/analysis.h calls kDifferenceLimits.
constexpr double kEnergyLimit = 1e-8, kStateLimit = 1e-5, kLossLimit = 1e-3;
constexpr double kLeastSaving = 50, kLeastFusedSaving = 90; // percent, at kSavingDepth
constexpr double kFusedMegabytes = 5.5, kSweepMegabytes = 3;
constexpr std::int64_t kSavingDepth = 500, kSweepDepth = 1000;

// One setting of the file, and where its verdicts go.
struct Judge {
  const results::RunData& run;
  const Group<EpCase>& group;
  std::vector<Criterion>& verdicts;

  const EpCase& any() const { return *group.rows.front(); }
  // The sizes that the published figures and the goals in MB are about.
  bool published_size() const {
    return any().width == 128 && any().batch == 32 && any().steps == 30 && any().dtype == "float32";
  }
  EpRows rows(std::string_view arm) const { return rows_of(group.rows, arm); }
  void add(const std::string& name, const std::string& arm, const std::string& at,
           const std::string& goal, const std::string& measured, Verdict verdict) const {
    verdicts.push_back({group.setting, name, arm, at, goal, measured, verdict});
  }
};

std::string depths_text(const ByDepth& values) {
  std::vector<std::int64_t> depths;
  for (const auto& [depth, value] : values)
    depths.push_back(depth);
  return fmt::format("{}", fmt::join(depths, ", "));
}

// Of the depths nearest to `wanted`, as long as it is of that size at all.
std::optional<std::int64_t> nearest(const ByDepth& values, std::int64_t wanted) {
  std::optional<std::int64_t> best;
  for (const auto& [depth, value] : values)
    if (2 * depth >= wanted && depth <= 2 * wanted &&
        (!best || std::abs(depth - wanted) < std::abs(*best - wanted)))
      best = depth;
  return best;
}

void judge_difference(const Judge& judge, const char* name, double EpCase::*member, double limit) {
  for (const std::string& arm : arms_of(judge.group.rows)) {
    ByDepth greatest;
    for (const EpCase* row : finished(judge.rows(arm)))
      if (const double value = row->*member; !std::isnan(value))
        greatest[row->depth] = std::max(greatest[row->depth], value);
    double worst = 0;
    for (const auto& [depth, value] : greatest)
      worst = std::max(worst, value);
    if (!greatest.empty())
      judge.add(name, arm, depths_text(greatest), fmt::format("< {:.0e}", limit),
                fmt::format("{:.2e}", worst), verdict_of(worst < limit));
  }
}

void judge_saving(const Judge& judge, const char* name, std::string_view arm,
                  std::string_view baseline, double least) {
  const ByDepth own = by_depth(judge.rows(arm), beyond_weights);
  ByDepth saving; // percent, where both have finished
  for (const auto& [depth, bytes] : by_depth(judge.rows(baseline), beyond_weights))
    if (const auto found = own.find(depth); found != own.end())
      saving[depth] = 100 * (1 - found->second / bytes);
  if (const auto depth = nearest(saving, kSavingDepth))
    judge.add(name, std::string(arm), count(*depth), fmt::format(">= {:g} %", least),
              fmt::format("{:.1f} %", saving[*depth]), verdict_of(saving[*depth] >= least));
}

void judge_flatness(const Judge& judge, const char* name) {
  ByDepth flat = by_depth(judge.rows("ep_fused"),
                          [](const EpCase& row) { return real(row.peak_beyond_weights_bytes); });
  std::erase_if(flat, [&](const auto& one) { return one.first < 2 * judge.any().steps; });
  if (flat.size() < 2)
    return;
  const auto [least, most] =
      std::ranges::minmax_element(flat, {}, [](const auto& one) { return one.second; });
  judge.add(name, "ep_fused", depths_text(flat), "0 bytes/layer",
            fmt::format("{:.4g} bytes/layer", slope_of(flat, 0)),
            verdict_of(least->second == most->second));
}

void judge_fused_size(const Judge& judge, const char* name) {
  if (!judge.published_size())
    return;
  const ByDepth megabytes = by_depth(judge.rows("ep_fused"), beyond_weights);
  double most = 0;
  for (const auto& [depth, value] : megabytes)
    most = std::max(most, value);
  if (!megabytes.empty())
    judge.add(name, "ep_fused", depths_text(megabytes), fmt::format("<= {:g} MB", kFusedMegabytes),
              number(most) + " MB", verdict_of(most <= kFusedMegabytes));
}

void judge_sweep_size(const Judge& judge, const char* name) {
  if (!judge.published_size() || judge.any().optimizer != "sgd")
    return;
  const ByDepth megabytes = by_depth(judge.rows("ep_sweep_checkpoint"), beyond_weights);
  if (const auto depth = nearest(megabytes, kSweepDepth))
    judge.add(name, "ep_sweep_checkpoint", count(*depth),
              fmt::format("<= {:g} MB", kSweepMegabytes), number(megabytes.at(*depth)) + " MB",
              verdict_of(megabytes.at(*depth) <= kSweepMegabytes));
}

void judge_sweep_reach(const Judge& judge, const char* name) {
  // With the other initialisations the signal fades on its way down, whoever computes it.
  if (judge.any().init != "orthogonal" && judge.any().init != "residual")
    return;
  ByDepth reach = by_depth(judge.rows("ep_sweep_checkpoint"),
                           [](const EpCase& row) { return real(row.reach); });
  if (reach.empty())
    return;
  const auto& [depth, layers] = *reach.rbegin();
  judge.add(name, "ep_sweep_checkpoint", count(depth), "= depth", whole(layers) + " layers",
            verdict_of(layers == static_cast<double>(depth)));
}

void judge_slope(const Judge& judge, const PublishedSlope& published) {
  if (!judge.published_size() || judge.any().optimizer != "muon")
    return;
  const SlopeParts parts = slope_parts(judge.rows(published.arm), published.with_weights);
  if (std::isnan(parts.total))
    return;
  const SlopeVerdict found = judge_slope_parts(parts, published);
  judge.add(published.name, std::string(published.arm), parts.depths,
            fmt::format("{:.4f} MB/layer +- 2 %", published.megabytes), found.text,
            found.matches     ? Verdict::pass
            : found.explained ? Verdict::explained
                              : Verdict::fail);
}

// What one hidden layer's activation adds to what a graph keeps of a forward pass.
void judge_activations(const Judge& judge, const PublishedSlope& published) {
  if (!judge.published_size())
    return;
  std::map<std::int64_t, std::map<std::string, double>> live; // by depth and mode
  for (const EpCase* row : finished(judge.group.rows))
    for (const results::EpOperationRow& one : judge.run.ep_operations)
      if (one.case_id == row->case_id && one.operation == "live")
        live[row->depth][one.mode] = real(one.bytes);
  for (const auto& [depth, modes] : live) {
    if (!modes.contains("forward_module_grad") || !modes.contains("forward_module_no_grad"))
      continue;
    const double each = (modes.at("forward_module_grad") - modes.at("forward_module_no_grad")) /
                        static_cast<double>(depth - 1) / kMegabyte;
    judge.add(published.name, "backprop", count(depth),
              fmt::format("{:.4f} MB/layer +- 2 %", published.megabytes),
              fmt::format("{:.4f} MB/layer", each),
              verdict_of(is_within_tolerance(each, published.megabytes)));
  }
}

struct Goal {
  const char* name;
  const char* arm;
  std::string goal;
  std::function<void(const Judge&, const char*)> judge;
};

std::vector<Goal> goals() {
  std::vector<Goal> all{
      {"energy difference", "EP arms", "< 1e-08",
       [](const Judge& judge, const char* name) {
         judge_difference(judge, name, &EpCase::energy_difference, kEnergyLimit);
       }},
      {"settled states", "EP arms", "< 1e-05",
       [](const Judge& judge, const char* name) {
         judge_difference(judge, name, &EpCase::state_difference, kStateLimit);
       }},
      {"training loss", "EP arms", "< 1e-03",
       [](const Judge& judge, const char* name) {
         judge_difference(judge, name, &EpCase::loss_difference, kLossLimit);
       }},
      {"saving vs backprop", "ep_fused", ">= 50 %",
       [](const Judge& judge, const char* name) {
         judge_saving(judge, name, "ep_fused", "backprop", kLeastSaving);
       }},
      {"saving vs ep_autograd", "ep_fused", ">= 90 %",
       [](const Judge& judge, const char* name) {
         judge_saving(judge, name, "ep_fused", "ep_autograd", kLeastFusedSaving);
       }},
      {"saving vs ep_autograd (sgd)", "ep_sweep_checkpoint", ">= 90 %",
       [](const Judge& judge, const char* name) {
         if (judge.any().optimizer == "sgd")
           judge_saving(judge, name, "ep_sweep_checkpoint", "ep_autograd", kLeastFusedSaving);
       }},
      {"growth from depth 2T on", "ep_fused", "0 bytes/layer", judge_flatness},
      {"peak beyond weights", "ep_fused", "<= 5.5 MB", judge_fused_size},
      {"peak beyond weights (sgd)", "ep_sweep_checkpoint", "<= 3 MB", judge_sweep_size},
      {"reach", "ep_sweep_checkpoint", "= depth", judge_sweep_reach},
  };
  for (const PublishedSlope& slope : kPublishedSlopes)
    all.push_back({slope.name, slope.arm.data(),
                   fmt::format("{:.4f} MB/layer +- 2 %", slope.megabytes),
                   [&slope](const Judge& judge, const char*) { judge_slope(judge, slope); }});
  all.push_back(
      {kActivationSlope.name, kActivationSlope.arm.data(),
       fmt::format("{:.4f} MB/layer +- 2 %", kActivationSlope.megabytes),
       [](const Judge& judge, const char*) { judge_activations(judge, kActivationSlope); }});
  return all;
}

} // namespace

Criteria ep_criteria(const results::RunData& run) {
  Criteria criteria;
  if (run.ep.empty())
    return criteria;
  const Grouping<EpCase> grouping = group_rows(run.ep, kEpCompared);
  for (const Column& column : grouping.columns)
    criteria.columns.push_back(column.title);
  for (const Goal& goal : goals()) {
    const std::size_t before = criteria.all.size();
    for (const auto& group : grouping.groups)
      goal.judge({run, group, criteria.all}, goal.name);
    if (criteria.all.size() == before)
      criteria.all.push_back({std::vector<std::string>(grouping.columns.size(), kNothing),
                              goal.name, goal.arm, kNothing, goal.goal, kNothing,
                              Verdict::not_measured});
  }
  return criteria;
}

std::vector<Table> ep_criteria_tables(const results::RunData& run) {
  const Criteria criteria = ep_criteria(run);
  Table table = criteria_table(criteria, "EP: success criteria", "depth");
  if (table.rows.empty())
    return {};
  table.notes.push_back(
      "Energy, states and loss: distances to ep_autograd in float64 from the same copy of the "
      "weights, settled from noisy states (ep_fused: from the forward pass, moved by the nudge). "
      "Each stands here only where the published gradient, put in for the arm's, exceeds the "
      "goal.");
  if (has(criteria, Verdict::explained))
    table.notes.push_back("explained: not the published figure, but what it differs by is "
                          "accounted for, in sets of the weights' size and tags of memory.");
  note_light_cone(run.ep, table);
  std::vector<Table> tables{std::move(table)};
  add_validity(tables, run.ep);
  return tables;
}

} // namespace peakbench::report
