// Saving memory by sampling worse would show here.
#include <algorithm>

#include "report/eab_arms.h"
#include "report/sections.h"

namespace peakbench::report {

using results::EabCase;

std::vector<Table> eab_quality_tables(const EabCases& cases) {
  const EabGrouping grouping = group_rows(cases, kEabCompared);
  Table table = table_of("EAB: quality of the samples", grouping,
                         {{"arm", "", true},
                          {"decode", "", true},
                          {"cases ok", "", true},
                          {"samples", ""},
                          {"distinct texts", ""},
                          {"distinct-1", ""},
                          {"distinct-2", ""},
                          {"self-BLEU", ""},
                          {"log-prob mean", "nats"},
                          {"log-prob spread", "nats"},
                          {"entropy mean", ""},
                          {"branch rate", ""},
                          {"answer entropy", "nats"}});
  for (const auto& group : grouping.groups)
    for (const ArmDecode& which : kEabOrder) {
      const EabRows rows = finished(rows_of(group.rows, which));
      const auto measured = [](const EabCase* row) { return row->distinct_texts >= 0; };
      if (std::ranges::none_of(rows, measured))
        continue;
      const auto of = [&](double EabCase::*member, int decimals) {
        return fixed(median_over(rows, [&](const EabCase& row) { return row.*member; }), decimals);
      };
      const auto texts = [](const EabCase& row) { return real(row.distinct_texts); };
      table.rows.push_back(
          joined(group.setting, {std::string(which.arm), std::string(which.decode),
                                 share_finished(rows_of(group.rows, which)),
                                 whole(median_over(rows, samples)), whole(median_over(rows, texts)),
                                 of(&EabCase::distinct_1, 3), of(&EabCase::distinct_2, 3),
                                 of(&EabCase::self_bleu, 3), of(&EabCase::mean_log_prob, 2),
                                 of(&EabCase::spread_log_prob, 2), of(&EabCase::mean_entropy, 4),
                                 of(&EabCase::branch_rate, 4), of(&EabCase::answer_entropy, 3)}));
    }
  table.notes.push_back(
      "Medians over prompts. distinct-1, -2: distinct tokens and pairs per token and pair; "
      "self-BLEU: how much the samples repeat each other; log-prob: of whole samples; answer "
      "entropy: over distinct texts, weighted by the tree's own probabilities. Where an arm saves "
      "memory by sampling worse it has fewer distinct texts and n-grams, a lower answer entropy "
      "or more self-BLEU than naive; samples of one tree begin alike, so some of that is "
      "expected.");
  return {table};
}

} // namespace peakbench::report
