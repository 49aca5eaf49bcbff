// Where an arm's time goes, and what decoding several prompts together gains.
#include <algorithm>
#include <set>

#include "report/eab_arms.h"
#include "report/sections.h"

namespace peakbench::report {

namespace {

using results::EabCase;

Table where_time_goes(const EabCases& cases, const EabGrouping& grouping) {
  Table table = table_of("EAB: where the time goes", grouping,
                         {{"arm", "", true},
                          {"decode", "", true},
                          {"cases ok", "", true},
                          {"n", ""},
                          {"wall time", "s"},
                          {"widest interval", "%"},
                          {"first token", "s"},
                          {"a step", "ms"},
                          {"products", "%"},
                          {"attention", "%"},
                          {"sampling", "%"},
                          {"rest", "%"},
                          {"tokens per s", ""}});
  const bool split = std::ranges::any_of(
      cases, [](const EabCase& row) { return !std::isnan(row.product_seconds); });
  for (const auto& group : grouping.groups)
    for (const ArmDecode& which : kEabOrder) {
      const EabRows rows = finished(rows_of(group.rows, which));
      if (rows.empty())
        continue;
      const auto median_of = [&](auto get) { return median_over(rows, get); };
      const auto share = [&](auto seconds) {
        return fixed(
            median_of([&](const EabCase& row) { return 100 * seconds(row) / row.wall_seconds; }),
            1);
      };
      table.rows.push_back(joined(
          group.setting,
          {std::string(which.arm), std::string(which.decode),
           share_finished(rows_of(group.rows, which)), repeats_of(rows), number(median_of(wall)),
           widest_interval(rows),
           number(median_of([](const EabCase& row) { return row.time_to_first_token_seconds; })),
           number(median_of([](const EabCase& row) { return 1e3 * row.time_per_step_seconds; })),
           share([](const EabCase& row) { return row.product_seconds; }),
           share([](const EabCase& row) { return row.attention_seconds; }),
           share([](const EabCase& row) { return row.sampling_seconds; }),
           share([](const EabCase& row) {
             return row.wall_seconds - row.product_seconds - row.attention_seconds -
                    row.sampling_seconds;
           }),
           number(median_of([](const EabCase& row) { return row.tokens_per_second; }))}));
    }
  table.notes.push_back(
      "Shares of the wall time. Products: with the weights. Attention: with the KV store. "
      "Sampling: "
      "the suite's own work, from filters to bookkeeping. Rest: norms, rotary, activation, calls. "
      "Tokens: of the samples.");
  if (!split)
    table.notes.push_back("On a GPU the parts of a pass cannot be told from the host's clock.");
  return table;
}

// Sums over the prompts, since with another number of prompts together there are other cases.
Table together(const EabCases& cases) {
  std::vector<std::string_view> compared(std::begin(kEabCompared), std::end(kEabCompared));
  compared.push_back("prompts_per_step");
  const EabGrouping grouping = group_rows(cases, compared);
  Table table = table_of("EAB: prompts decoded together", grouping,
                         {{"arm", "", true},
                          {"prompts per step", ""},
                          {"cases ok", "", true},
                          {"n", ""},
                          {"wall time", "s"},
                          {"widest interval", "%"},
                          {"tokens", ""},
                          {"tokens per s", ""},
                          {"throughput", "x"},
                          {"largest peak", "MB"},
                          {"KV / bound", "x"}});
  for (const auto& group : grouping.groups)
    for (const ArmDecode& which : kEabOrder) {
      const EabRows all = rows_of(group.rows, which);
      std::set<std::int64_t> counts;
      for (const EabCase* row : all)
        counts.insert(row->prompts_per_step);
      double alone = std::nan("");
      for (const std::int64_t count : counts) {
        EabRows rows;
        std::ranges::copy_if(all, std::back_inserter(rows),
                             [&](const EabCase* row) { return row->prompts_per_step == count; });
        double seconds = 0, tokens = 0, peak = 0;
        for (const EabCase* row : finished(rows)) {
          seconds += row->wall_seconds;
          tokens += static_cast<double>(row->emitted_tokens);
          peak = std::max(peak, peak_megabytes(*row));
        }
        if (counts.size() < 2 || seconds == 0)
          continue;
        const double rate = tokens / seconds;
        if (count == 1)
          alone = rate;
        table.rows.push_back(joined(
            group.setting, {std::string(which.arm), std::to_string(count), share_finished(rows),
                            repeats_of(rows), number(seconds), widest_interval(finished(rows)),
                            whole(tokens), number(rate), fixed(rate / alone, 2), number(peak),
                            fixed(median_over(finished(rows), kv_over_bound), 3)}));
      }
    }
  table.notes.push_back("Wall time and tokens: all cases together. Throughput: against one prompt "
                        "per step.");
  return table;
}

} // namespace

std::vector<Table> eab_time_tables(const EabCases& cases) {
  return {where_time_goes(cases, group_rows(cases, kEabCompared)), together(cases)};
}

} // namespace peakbench::report
