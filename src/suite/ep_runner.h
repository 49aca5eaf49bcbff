// Runs one EP case and fills its record.
#pragma once

#include <c10/core/Device.h>

#include "results/records.h"
#include "suite/plan.h"

namespace peakbench::suite {

// Never throws for what a case can do wrong: the record says how it ended. Rank, host and device
// are the caller's to fill.
results::EpRow run_ep_case(const EpPlanned& planned, const Config& config, c10::Device device);

} // namespace peakbench::suite
