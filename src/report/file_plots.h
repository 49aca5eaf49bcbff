// Every picture that stored results can give.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/eab_plots.h"
#include "report/ep_plots.h"

namespace peakbench::report {

// Of the rows of all files together, and of the trace of one case: the one named, or else the one
// to show. UserError if no file holds the case that is named, or it has no trace.
std::vector<NamedPlot> plots_of(const std::vector<results::RunData>& runs,
                                const std::string& case_id = "");

// UserError if one of the files exists and may not be overwritten: before anything is written.
std::vector<std::filesystem::path> save_all(const std::vector<NamedPlot>& plots,
                                            const std::filesystem::path& directory, bool overwrite);

} // namespace peakbench::report
