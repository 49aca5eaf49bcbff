// At the end of a run: a few numbers of every rank, for everybody.
#pragma once

#include <c10/core/Device.h>

#include <span>
#include <vector>

#include "cluster/gather.h"
#include "cluster/session.h"

namespace peakbench::cluster {

// One row per rank, on every rank. All ranks give the same number of values. With NCCL the values
// travel from device to device. Collective.
std::vector<std::vector<double>> gather_summary(const Session& session, GatherBy by,
                                                c10::Device device, std::span<const double> mine);

} // namespace peakbench::cluster
