// What a results file says about the run that it is of.
#pragma once

#include <string>

#include "results/store.h"
#include "suite/plan.h"

namespace peakbench::suite {

results::RunInfo run_info(const Config& config, const Plan& plan, const std::string& command_line);

// Makes the folder that a file is to lie in. UserError.
void make_folder_of(const std::string& path);

} // namespace peakbench::suite
