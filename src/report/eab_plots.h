// Pictures of EAB, from measured rows and traces only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/plot.h"
#include "report/report.h"
#include "results/store.h"

namespace peakbench::report {

// A case with what it left beside its row.
struct TracedCase {
  const results::EabCase& record;
  const results::EabTrace& trace;
  std::string prompt; // the text where it is known
};

// Entropy over the tokens of every path, where it branched, and how many paths there were.
Plot entropy_plot(const TracedCase& traced);
// The token tree with its texts, samples numbered from the most likely one.
Plot tree_plot(const TracedCase& traced);
// Wall time and peak memory by arm, the KV cache's part visible. `cases` differ in nothing but
// what the tables compare (kEabCompared); medians where there are several prompts.
Plot resource_plot(const std::vector<results::EabCase>& cases, const std::string& prompt = "");

struct NamedPlot {
  std::string name; // of the files
  Plot plot;
};
// The resources of every setting, and speed-up and memory versus whatever varies: the length of
// the prompt, max_paths, ...
std::vector<NamedPlot> eab_plots(const std::vector<results::EabCase>& cases);

// The case to show where one has to do: copy-on-write, batched, if it ran, else a branching one,
// else any that ended ok. Index into cases.
std::optional<std::size_t> case_to_show(const std::vector<results::EabCase>& cases);

// The samples of a case, the most likely one first, with where they branched off.
Table samples_table(const TracedCase& traced);

} // namespace peakbench::report
