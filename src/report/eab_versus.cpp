// How EAB's figures move with what a configuration varies: one row per value.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "report/eab_arms.h"
#include "report/sections.h"

namespace peakbench::report {

namespace {

using results::EabCase;

const std::vector<Column> kFigures{{"cases ok", "", true},
                                   {"n", ""},
                                   {"samples", ""},
                                   {"branches", ""},
                                   {"total tokens", ""},
                                   {"wall time", "s"},
                                   {"widest interval", "%"},
                                   {"speed-up vs naive", "x"},
                                   {"speed-up vs batched", "x"},
                                   {"peak", "MB"},
                                   {"memory vs naive", "x"},
                                   {"saving vs original", "%"},
                                   {"KV / bound", "x"}};

std::vector<std::string> figures_of(const EabRows& inside, const ArmDecode& subject) {
  const EabRows all = rows_of(inside, subject);
  const EabRows rows = finished(all);
  const EabRows naive = rows_preferring(inside, "naive", "per_path");
  const EabRows batched = rows_of(inside, {"naive_batched", "batched"});
  const EabRows original = rows_preferring(inside, "original", "per_path");
  return {share_finished(all),
          repeats_of(rows),
          whole(median_over(rows, samples)),
          whole(median_over(rows, branches)),
          whole(median_over(rows, computed_tokens)),
          number(median_over(rows, wall)),
          widest_interval(rows),
          ratio_text(paired_speed_up(all, naive)),
          ratio_text(paired_speed_up(all, batched)),
          number(median_over(rows, peak_megabytes)),
          ratio_text(paired_ratio(all, naive, peak_megabytes)),
          subject.arm == "cow"
              ? fixed(percent_saved(paired_ratio(all, original, peak_megabytes)), 1)
              : kNothing,
          fixed(median_over(rows, kv_over_bound), 3)};
}

// Figures for each of the parts into which `parts_of` cuts a group's rows; fewer than two say
// nothing about what they differ in.
struct Part {
  std::vector<std::string> name; // what stands before the figures
  EabRows rows;
};
template <class PartsOf>
Table versus(const std::string& factor, std::vector<Column> columns, const EabGrouping& grouping,
             const ArmDecode& subject, PartsOf parts_of) {
  columns.insert(columns.end(), kFigures.begin(), kFigures.end());
  Table table = table_of(fmt::format("EAB versus {}: {}, {}", factor, subject.arm, subject.decode),
                         grouping, std::move(columns));
  for (const auto& group : grouping.groups)
    for (const Part& part : parts_of(group.rows))
      if (!rows_of(part.rows, subject).empty())
        table.rows.push_back(
            joined(joined(group.setting, part.name), figures_of(part.rows, subject)));
  table.notes.push_back(
      "Total tokens: really computed, the prompt included. Speed-up vs batched: against "
      "naive_batched. Saving vs original: of the peak beyond the weights. KV / bound: keys and "
      "values allocated against those of the unique live tokens.");
  return table;
}

std::vector<Part> by_length(const EabRows& rows) {
  std::vector<Part> parts;
  const std::vector<Lengths> all = lengths_of(rows);
  if (lengths_vary(all))
    for (const Lengths& lengths : all)
      parts.push_back({{text_of(lengths)}, rows_within(rows, lengths)});
  return parts;
}

std::vector<Part> by_domain(const EabRows& rows) {
  std::set<std::string> domains;
  for (const EabCase* row : rows)
    domains.insert(row->domain);
  std::vector<Part> parts;
  for (const std::string& domain : domains) {
    parts.push_back({{domain.empty() ? kNothing : domain}, {}});
    std::ranges::copy_if(rows, std::back_inserter(parts.back().rows),
                         [&](const EabCase* row) { return row->domain == domain; });
  }
  if (parts.size() < 2)
    parts.clear();
  return parts;
}

// What varies, in words. The weights go with the model.
std::string factors_of(const EabGrouping& grouping) {
  std::vector<std::string> names;
  for (const Column& column : grouping.columns)
    if (column.title != "weights" || grouping.columns.size() == 1)
      names.push_back(column.title);
  return fmt::format("{}", fmt::join(names, " and "));
}

struct GridFigure {
  const char* name;
  std::string (*cell)(const EabRows& inside, const ArmDecode& subject);
};
constexpr GridFigure kGridFigures[] = {
    {"samples",
     [](const EabRows& inside, const ArmDecode& subject) {
       return whole(median_over(finished(rows_of(inside, subject)), samples));
     }},
    {"branches",
     [](const EabRows& inside, const ArmDecode& subject) {
       return whole(median_over(finished(rows_of(inside, subject)), branches));
     }},
    {"peak in MB",
     [](const EabRows& inside, const ArmDecode& subject) {
       return number(median_over(finished(rows_of(inside, subject)), peak_megabytes));
     }},
    {"speed-up vs naive",
     [](const EabRows& inside, const ArmDecode& subject) {
       const EabRows naive = rows_preferring(inside, "naive", "per_path");
       return ratio_text(paired_speed_up(rows_of(inside, subject), naive));
     }},
    {"speed-up vs batched",
     [](const EabRows& inside, const ArmDecode& subject) {
       const EabRows batched = rows_of(inside, {"naive_batched", "batched"});
       return ratio_text(paired_speed_up(rows_of(inside, subject), batched));
     }},
    {"saving vs original in %", [](const EabRows& inside, const ArmDecode& subject) {
       const EabRows original = rows_preferring(inside, "original", "per_path");
       return subject.arm != "cow" ? kNothing
                                   : fixed(percent_saved(paired_ratio(rows_of(inside, subject),
                                                                      original, peak_megabytes)),
                                           1);
     }}};

template <class Get>
std::set<double> values_of(const EabRows& rows, Get get) {
  std::set<double> values;
  for (const EabCase* row : rows)
    values.insert(get(*row));
  return values;
}

// Threshold down, temperature across: one block of rows per figure.
Table threshold_grid(const EabCases& cases, const ArmDecode& subject) {
  std::vector<std::string_view> compared(std::begin(kEabCompared), std::end(kEabCompared));
  compared.insert(compared.end(), {"threshold", "temperature"});
  const EabGrouping grouping = group_rows(cases, compared);
  const auto threshold_of = [](const EabCase& row) { return row.threshold; };
  const auto temperature_of = [](const EabCase& row) { return row.temperature; };
  EabRows all;
  for (const EabCase& row : cases)
    all.push_back(&row);
  const std::set<double> thresholds = values_of(all, threshold_of),
                         temperatures = values_of(all, temperature_of);
  std::vector<Column> columns{{"figure", "", true}, {"threshold", ""}};
  for (const double temperature : temperatures)
    columns.push_back({fmt::format("T {}", temperature), ""});
  Table table =
      table_of(fmt::format("EAB: threshold x temperature (T): {}, {}", subject.arm, subject.decode),
               grouping, std::move(columns));
  if (thresholds.size() < 2 || temperatures.size() < 2)
    return table;
  for (const auto& group : grouping.groups)
    for (const GridFigure& figure : kGridFigures) {
      if (figure.cell(group.rows, subject) == kNothing)
        continue; // its baseline was not run
      for (const double threshold : thresholds) {
        std::vector<std::string> cells{figure.name, fmt::format("{}", threshold)};
        for (const double temperature : temperatures) {
          EabRows inside;
          for (const EabCase* row : group.rows)
            if (row->threshold == threshold && row->temperature == temperature)
              inside.push_back(row);
          cells.push_back(figure.cell(inside, subject));
        }
        table.rows.push_back(joined(group.setting, cells));
      }
    }
  return table;
}

} // namespace

std::vector<Table> eab_versus_tables(const EabCases& cases) {
  const ArmDecode subject = subject_of(cases);
  if (subject.arm.empty())
    return {};
  const EabGrouping grouping = group_rows(cases, kEabCompared);
  std::vector<Table> tables;
  if (!grouping.columns.empty())
    tables.push_back(versus(factors_of(grouping), {}, grouping, subject, [](const EabRows& rows) {
      return std::vector<Part>{{{}, rows}};
    }));
  tables.push_back(threshold_grid(cases, subject));
  tables.push_back(
      versus("prompt length", {{"prompt tokens", "", true}}, grouping, subject, by_length));
  tables.push_back(versus("domain", {{"domain", "", true}}, grouping, subject, by_domain));
  return tables;
}

} // namespace peakbench::report
