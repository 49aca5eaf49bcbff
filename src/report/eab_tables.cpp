// Naive sampling, original and copy-on-write EAB: the published comparison first, then every arm.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "report/eab_arms.h"
#include "report/sections.h"
#include "report/validity.h"

namespace peakbench::report {

namespace {

using results::EabCase;
using Cases = EabCases;

double first_token(const EabCase& row) { return row.time_to_first_token_seconds; }
double published(const EabCase& row) { return real(row.published_token_steps); }

std::string prompts_note(const Cases& cases) {
  std::set<std::pair<std::string, std::string>> prompts;
  std::set<std::int64_t> seeds;
  for (const EabCase& row : cases) {
    prompts.emplace(row.prompt_id, row.prompt_hash);
    seeds.insert(row.seed);
  }
  return fmt::format(
      "Medians over {} prompt{}{}; ratios are medians over the prompts that both arms "
      "finished.",
      prompts.size(), prompts.size() == 1 ? "" : "s",
      seeds.size() > 1 ? fmt::format(" and {} seeds", seeds.size()) : "");
}

// naive, original, cow with the figures that the seed publishes.
Table three_way(const Cases& cases, const EabGrouping& grouping) {
  Table table = table_of("EAB: naive, original and copy-on-write", grouping,
                         {{"arm", "", true},
                          {"decode", "", true},
                          {"cases ok", "", true},
                          {"n", ""},
                          {"samples", ""},
                          {"wall time", "s"},
                          {"widest interval", "%"},
                          {"memory overhead", "MB"},
                          {"total tokens", ""},
                          {"tokens as in paper", ""},
                          {"branches", ""},
                          {"speed-up vs naive", "x"},
                          {"memory vs naive", "x"},
                          {"saving vs original", "%"}});
  for (const auto& group : grouping.groups) {
    const EabRows naive = rows_preferring(group.rows, "naive", "per_path");
    const EabRows original = rows_preferring(group.rows, "original", "per_path");
    const EabRows cow = rows_preferring(group.rows, "cow", "batched");
    for (const EabRows& all : {naive, original, cow}) {
      if (all.empty())
        continue;
      const EabRows rows = finished(all);
      const bool is_cow = all.front()->arm == "cow";
      table.rows.push_back(
          joined(group.setting,
                 {all.front()->arm, all.front()->decode, share_finished(all), repeats_of(rows),
                  whole(median_over(rows, samples)), number(median_over(rows, wall)),
                  widest_interval(rows), number(median_over(rows, peak_megabytes)),
                  whole(median_over(rows, computed_tokens)), whole(median_over(rows, published)),
                  whole(median_over(rows, branches)), ratio_text(paired_speed_up(all, naive)),
                  ratio_text(paired_ratio(all, naive, peak_megabytes)),
                  is_cow ? fixed(percent_saved(paired_ratio(all, original, peak_megabytes)), 1)
                         : kNothing}));
    }
  }
  table.notes.push_back(prompts_note(cases));
  table.notes.push_back(
      "Memory overhead: high-water mark beyond the weights, MB = 10^6 bytes. Total "
      "tokens: really computed, prompts included; as in the paper: EAB without its prompt. n: "
      "timed "
      "repeats behind the medians.");
  if (const std::string setting = common_setting(cases, kEabCompared); !setting.empty())
    table.notes.push_back("All: " + setting + ".");
  return table;
}

std::string same_trees(const EabRows& rows) {
  std::size_t known = 0, same = 0;
  for (const EabCase* row : rows) {
    known += row->tree_matches_reference >= 0;
    same += row->tree_matches_reference == 1;
  }
  return known == 0 ? kNothing : fmt::format("{}/{}", same, known);
}

Table all_arms(const EabGrouping& grouping) {
  Table table = table_of("EAB: every arm and way of decoding", grouping,
                         {{"arm", "", true},
                          {"decode", "", true},
                          {"cases ok", "", true},
                          {"n", ""},
                          {"wall time", "s"},
                          {"widest interval", "%"},
                          {"peak", "MB"},
                          {"KV at its peak", "MB"},
                          {"KV bound", "MB"},
                          {"KV / bound", "x"},
                          {"KV copied", "MB"},
                          {"same tree", "", true},
                          {"speed-up vs naive", "x"},
                          {"speed-up vs batched", "x"},
                          {"memory vs batched", "x"}});
  for (const auto& group : grouping.groups) {
    const EabRows naive = rows_preferring(group.rows, "naive", "per_path");
    const EabRows batched = rows_of(group.rows, {"naive_batched", "batched"});
    for (const ArmDecode& which : kEabOrder) {
      const EabRows all = rows_of(group.rows, which);
      if (all.empty())
        continue;
      const EabRows rows = finished(all);
      const auto bound = [](const EabCase& row) { return megabytes(row.kv_bound_bytes); };
      const auto copied = [](const EabCase& row) { return megabytes(row.kv_bytes_copied); };
      table.rows.push_back(joined(
          group.setting,
          {std::string(which.arm), std::string(which.decode), share_finished(all), repeats_of(rows),
           number(median_over(rows, wall)), widest_interval(rows),
           number(median_over(rows, peak_megabytes)), number(median_over(rows, kv_megabytes)),
           number(median_over(rows, bound)), fixed(median_over(rows, kv_over_bound), 3),
           number(median_over(rows, copied)), same_trees(rows),
           ratio_text(paired_speed_up(all, naive)), ratio_text(paired_speed_up(all, batched)),
           ratio_text(paired_ratio(all, batched, peak_megabytes))}));
    }
  }
  table.notes.push_back(
      "KV bound: unique live tokens, no store can hold less. Same tree: cases whose "
      "token tree is that of original, per_path; in 16 bits a batch rounds otherwise than a path "
      "alone, so batched trees may differ (dtype: float32 shows the same). vs batched: against "
      "naive_batched.");
  return table;
}

Table by_length(const EabGrouping& grouping) {
  Table table = table_of("EAB: by length of the prompt", grouping,
                         {{"prompt tokens", "", true},
                          {"arm", "", true},
                          {"decode", "", true},
                          {"cases ok", "", true},
                          {"n", ""},
                          {"samples", ""},
                          {"wall time", "s"},
                          {"first token", "s"},
                          {"peak", "MB"},
                          {"KV at its peak", "MB"},
                          {"speed-up vs naive", "x"},
                          {"memory vs batched", "x"},
                          {"saving vs original", "%"}});
  for (const auto& group : grouping.groups) {
    const std::vector<Lengths> ranges = lengths_of(group.rows);
    if (!lengths_vary(ranges))
      continue;
    for (const Lengths& range : ranges) {
      const EabRows inside = rows_within(group.rows, range);
      const EabRows naive = rows_preferring(inside, "naive", "per_path");
      const EabRows batched = rows_of(inside, {"naive_batched", "batched"});
      const EabRows original = rows_preferring(inside, "original", "per_path");
      for (const ArmDecode& which : kEabOrder) {
        const EabRows all = rows_of(inside, which);
        if (all.empty())
          continue;
        const EabRows rows = finished(all);
        table.rows.push_back(joined(
            group.setting,
            {text_of(range), std::string(which.arm), std::string(which.decode), share_finished(all),
             repeats_of(rows), whole(median_over(rows, samples)), number(median_over(rows, wall)),
             number(median_over(rows, first_token)), number(median_over(rows, peak_megabytes)),
             number(median_over(rows, kv_megabytes)), ratio_text(paired_speed_up(all, naive)),
             ratio_text(paired_ratio(all, batched, peak_megabytes)),
             which.arm == "cow"
                 ? fixed(percent_saved(paired_ratio(all, original, peak_megabytes)), 1)
                 : kNothing}));
      }
    }
  }
  return table;
}

} // namespace

std::vector<Table> eab_comparison_tables(const Cases& cases) {
  if (cases.empty())
    return {};
  const EabGrouping grouping = group_rows(cases, kEabCompared);
  std::vector<Table> tables{three_way(cases, grouping), all_arms(grouping)};
  add_validity(tables, cases);
  return tables;
}

std::vector<Table> eab_tables(const Cases& cases) {
  if (cases.empty())
    return {};
  std::vector<Table> tables = eab_comparison_tables(cases);
  tables.push_back(by_length(group_rows(cases, kEabCompared)));
  for (auto section : {eab_savings_tables, eab_time_tables, eab_versus_tables, eab_quality_tables,
                       eab_ambiguity_tables, eab_memory_tables, eab_criteria_tables})
    for (Table& table : section(cases))
      tables.push_back(std::move(table));
  std::erase_if(tables, [](const Table& table) { return table.rows.empty(); });
  add_validity(tables, cases);
  return tables;
}

} // namespace peakbench::report
