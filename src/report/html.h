// One self-contained HTML page of a run: to read, sort and filter without a server, a network or
// peakbench, and to send to a colleague.
#pragma once

#include <string>
#include <vector>

#include "report/eab_plots.h"
#include "report/report.h"

namespace peakbench::report {

struct HtmlFile {
  std::string path; // as it was named
  results::RunInfo info;
};

struct HtmlInput {
  const results::RunData& run; // the rows of all files together
  std::vector<HtmlFile> files;
  const std::vector<Table>& tables; // shown cell by cell, as every other format shows them
  const std::vector<NamedPlot>& plots;
  std::string command_line; // that makes this page again
  std::string made;         // when (UTC)
};

// Rows of one kind of case that a page holds in full; of more it holds the first ones, and says so.
inline constexpr std::size_t kMostHtmlRows = 100'000;

// Plots are drawn by gnuplot; without one the page says that they are missing. Every text of the
// files appears as text, whatever it looks like. std::runtime_error if gnuplot refuses a plot.
std::string html_report(const HtmlInput& input);

} // namespace peakbench::report
