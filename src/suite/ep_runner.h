// Runs one EP case and fills its record.
#pragma once

#include <c10/core/Device.h>

#include <functional>

#include "results/records.h"
#include "suite/plan.h"

namespace peakbench::suite {

// What of a case is looked at. Without an inspection the record says neither reach nor errors nor
// whether it is valid.
enum class Looks { at_everything, at_time_and_memory };

// Never throws for what a case can do wrong: the record says how it ended. Rank, host and device
// are the caller's to fill. Throws Interrupted once `stopped`, which is asked once a step, says so.
results::EpRow run_ep_case(const EpPlanned& planned, const Config& config, c10::Device device,
                           Looks looks = Looks::at_everything,
                           const std::function<bool()>& stopped = {});

} // namespace peakbench::suite
