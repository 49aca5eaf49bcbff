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

// "/dev/stdout" and its like are "-".
void name_standard_output(Options& options);
// UserError, before anything is read: two outputs in one file, or one that exists (without
// --force).
void check_outputs(const Options& options);
// UserError, also with --force, for an output in place of a file that is read. The one exception:
// --to may name one of `files`, whose rows are all in the new one.
void keep_inputs(const Options& options, const std::vector<std::string>& files,
                 const std::vector<std::string>& baselines);

std::vector<Output> outputs_of(const Options& options, const results::RunData& run,
                               const std::vector<report::Table>& tables);
// A new file appears complete or not at all; a link stays, and what it points to is written.
// UserError if it cannot be written.
void write(const Output& output);
// UserError if something that went to the standard output did not arrive.
void flush_standard_output();

} // namespace peakbench::aggregate
