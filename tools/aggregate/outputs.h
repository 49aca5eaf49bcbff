// The files that are written, and what goes to the standard output.
#pragma once

#include <string>
#include <vector>

#include "aggregate/options.h"
#include "report/report.h"

namespace peakbench::aggregate {

struct Output {
  std::string path, text; // path: "-" for the standard output
};

std::vector<Output> outputs_of(const Options& options, const results::RunData& run,
                               const std::vector<report::Table>& tables);
// A new file appears complete or not at all. UserError if it cannot be written.
void write(const Output& output);

} // namespace peakbench::aggregate
