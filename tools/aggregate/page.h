// The page that a user sends to a colleague (--html).
#pragma once

#include <string>
#include <vector>

#include "aggregate/options.h"
#include "aggregate/outputs.h"
#include "report/html.h"

namespace peakbench::aggregate {

// Of the named files, before their rows are put together.
struct PageParts {
  std::vector<report::HtmlFile> files;
  std::vector<report::NamedPlot> plots;
};
// Nothing where no page is asked for.
PageParts page_parts(const Options& options, const std::vector<results::RunData>& runs);

Output page_of(const Options& options, const PageParts& parts, const results::RunData& run,
               const std::vector<report::Table>& tables, const std::string& command_line);

// A word of a command line, in quotes where a shell would read it otherwise.
std::string shell_word(const std::string& word);

} // namespace peakbench::aggregate
