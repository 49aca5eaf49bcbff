// Does it learn? What the training runs came to, arm by arm.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>

#include "report/ep_plot_parts.h"
#include "report/sections.h"
#include "report/validity.h"

namespace peakbench::report {

namespace {

using results::EpCase;

double accuracy_percent(const EpCase& row) { return 100 * row.test_accuracy; }

double accuracy_of(const EpRows& rows, std::string_view arm, std::int64_t depth) {
  return median_over(finished(rows_of(at_depth(rows, depth), arm)), accuracy_percent);
}

std::string status_of(const EpRows& rows) {
  std::set<std::string> statuses;
  for (const EpCase* row : rows)
    statuses.insert(row->status);
  std::string text;
  for (const std::string& status : statuses)
    text += (text.empty() ? "" : ", ") + status;
  return text;
}

// One row per arm, one column per depth.
Table accuracy_table(const std::vector<EpCase>& cases, const EpGrouping& grouping) {
  EpRows all;
  for (const EpCase& row : cases)
    all.push_back(&row);
  std::vector<Column> columns{{"arm", "", true}};
  for (const std::int64_t depth : depths_of(all))
    columns.push_back({fmt::format("depth {}", depth), "%"});
  Table table = table_of("EP: does it learn? Test accuracy after training", grouping, columns);
  for (const EpGroup& group : grouping.groups)
    for (const std::string& arm : arms_of(group.rows)) {
      std::vector<std::string> cells{arm};
      for (const std::int64_t depth : depths_of(all)) {
        const EpRows rows = rows_of(at_depth(group.rows, depth), arm);
        const double accuracy = accuracy_of(group.rows, arm, depth);
        cells.push_back(std::isnan(accuracy) && !rows.empty() ? status_of(rows)
                                                              : fixed(accuracy, 1));
      }
      table.rows.push_back(joined(group.setting, cells));
    }
  return table;
}

// Accuracies of the initial weights: what not having learnt looks like.
std::string untrained_text(const results::RunData& run) {
  double least = results::kAbsentReal, most = results::kAbsentReal;
  for (const results::EpTrainingRow& point : run.ep_training)
    if (point.step == 0) {
      least = std::fmin(least, 100 * point.test_accuracy);
      most = std::fmax(most, 100 * point.test_accuracy);
    }
  return std::isnan(least) ? ""
                           : fmt::format("Initial weights, untrained: {} to {} %.", fixed(least, 1),
                                         fixed(most, 1));
}

Table run_table(const EpGrouping& grouping) {
  Table table = table_of("EP: does it learn? Training runs in full", grouping,
                         {{"depth", ""},
                          {"arm", "", true},
                          {"training loss", ""},
                          {"test loss", ""},
                          {"test accuracy", "%"},
                          {"vs backprop", "points"},
                          {"vs truncated_backprop(T)", "points"},
                          {"reach", "layers"},
                          {"cosine to backprop", ""},
                          {"status", "", true}});
  for (const EpGroup& group : grouping.groups)
    for (const std::int64_t depth : depths_of(group.rows))
      for (const std::string& arm : arms_of(at_depth(group.rows, depth))) {
        const EpRows rows = rows_of(at_depth(group.rows, depth), arm);
        const EpRows ended = finished(rows);
        const double accuracy = accuracy_of(group.rows, arm, depth);
        const auto against = [&](std::string_view baseline) {
          const double difference = accuracy - accuracy_of(group.rows, baseline, depth);
          return arm == baseline || std::isnan(difference) ? std::string(kNothing)
                                                           : fmt::format("{:+.1f}", difference);
        };
        table.rows.push_back(joined(
            group.setting,
            {count(depth), arm,
             fixed(median_over(ended, [](const EpCase& row) { return row.trained_loss; }), 3),
             fixed(median_over(ended, [](const EpCase& row) { return row.test_loss; }), 3),
             fixed(accuracy, 1), against("backprop"), against("truncated_backprop"),
             whole(median_over(rows, [](const EpCase& row) { return real(row.reach); })),
             fixed(median_over(rows, [](const EpCase& row) { return row.cosine_to_backprop; }), 3),
             status_of(rows)}));
      }
  table.notes.push_back(
      "Training loss: mean over the last stretch of steps; test loss and accuracy after the last "
      "step. Reach and cosine are those of the first step.");
  table.notes.push_back("A run that is not ok has no figures of its end; its curve up to then is "
                        "in /ep/training.");
  return table;
}

} // namespace

std::vector<Table> ep_training_tables(const results::RunData& run) {
  std::vector<EpCase> cases;
  for (const EpCase& row : run.ep)
    if (!row.dataset.empty())
      cases.push_back(row);
  if (cases.empty())
    return {};
  const EpGrouping grouping = group_rows(cases, kEpCompared);
  Table accuracy = accuracy_table(cases, grouping);
  accuracy.notes.push_back("Same batches and initial weights for every arm. ep_fused and "
                           "truncated_backprop(T) train the last T layers only; the sweeps and "
                           "backprop all of them.");
  if (const std::string untrained = untrained_text(run); !untrained.empty())
    accuracy.notes.push_back(untrained);
  accuracy.notes.push_back("All: " + common_setting(cases, kEpCompared) + ".");
  std::vector<Table> tables{accuracy, run_table(grouping)};
  add_validity(tables, cases);
  return tables;
}

} // namespace peakbench::report
