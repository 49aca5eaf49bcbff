// Runs one EP case and fills its record.
#pragma once

#include <ATen/core/TensorBody.h>

#include <functional>
#include <vector>

#include "results/records.h"
#include "suite/plan.h"

namespace peakbench::suite {

// What of a case is looked at. Without an inspection the record says neither reach nor errors nor
// whether it is valid.
enum class Looks { at_everything, at_time_and_memory };

// Never throws for what a case can do wrong: the record says how it ended. Rank, host and device
// are the caller's to fill. Throws Interrupted once `stopped`, which is asked once a step, says so.
// `device_trace`, where there is one, gets the part of the trace that was computed on the device,
// [2, depth] float64, still there; it is then missing in the row, for put_trace() to add.
results::EpRow run_ep_case(const EpPlanned& planned, const Config& config, c10::Device device,
                           Looks looks = Looks::at_everything,
                           const std::function<bool()>& stopped = {},
                           at::Tensor* device_trace = nullptr);

// Gradient norms and cosines per layer: the values of a device trace, in their order.
void put_trace(results::EpRow& row, const std::vector<double>& device_trace);

} // namespace peakbench::suite
