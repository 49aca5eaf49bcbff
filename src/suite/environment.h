// What a rank ran on: one row of the results.
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "cluster/session.h"
#include "results/records.h"

namespace peakbench::suite {

std::string device_name(c10::Device device); // "cpu", "cuda:1"
// Of this process, as if it were the only one.
results::EnvironmentRow own_environment(c10::Device device, int threads);
// Collective; on rank 0 one row per rank, elsewhere empty.
std::vector<results::EnvironmentRow> gather_environment(const cluster::Session& session,
                                                        c10::Device device, int threads);
// "NAME=value" lines of the variables that can change a measurement; no others.
std::string chosen_variables();
std::string cpu_model();

} // namespace peakbench::suite
