// What lies around a comparison of two runs: where they ran, and why they may have no case in
// common.
#pragma once

#include <string>
#include <vector>

#include "results/store.h"

namespace peakbench::report {

// Whether the cases of the two ran on the same devices, with the same libraries and versions.
std::vector<std::string> environment_notes(const results::RunData& baseline,
                                           const results::RunData& now);

// Independent variables of which the two have no value in common; "" if there is none.
std::string differences_of_settings(const results::RunData& baseline, const results::RunData& now);

} // namespace peakbench::report
