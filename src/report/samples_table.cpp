#include <fmt/format.h>
#include <fmt/ranges.h>

#include "report/eab_plot_parts.h"
#include "report/eab_plots.h"
#include "report/numbers.h"
#include "report/shown_text.h"
#include "report/token_tree.h"

namespace peakbench::report {

Table samples_table(const TracedCase& traced) {
  Table table;
  table.title = "Samples of " + arm_title(traced.record.arm, traced.record.decode);
  table.columns = {{"#", ""},
                   {"log-prob", "nats"},
                   {"tokens", ""},
                   {"branched at", "", true},
                   {"text", "", true}};
  std::size_t rank = 0;
  for (const results::TraceSample& sample : traced.trace.samples) {
    const std::vector<std::int32_t> positions = branch_positions(traced.trace, sample);
    table.rows.push_back(
        {std::to_string(++rank), fixed(sample.log_prob, 2),
         std::to_string(nodes_of(traced.trace, sample).size()),
         positions.empty() ? kNothing : fmt::format("{}", fmt::join(positions, " ")),
         shown_text(sample.text)});
  }
  table.notes.push_back(
      "The most likely first. Branched at: positions of the tokens that were drawn "
      "by a branching, 0 for the first token after the prompt.");
  return table;
}

} // namespace peakbench::report
