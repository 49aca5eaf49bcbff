// At the end of a run: a few numbers of every rank, for everybody.
#pragma once

#include <c10/core/Device.h>

#include <span>
#include <string>
#include <vector>

#include "cluster/session.h"

namespace peakbench::cluster {

enum class GatherBy { mpi, nccl };

// "auto": NCCL where every rank has a GPU of its own and there are several, else MPI. Collective.
// UserError for "nccl" without GPUs, without NCCL, or with two ranks on one GPU.
GatherBy choose_gather(const Session& session, const std::string& wish, c10::Device device);
// One row per rank, on every rank. All ranks give the same number of values. With NCCL the values
// travel from device to device.
std::vector<std::vector<double>> gather_summary(const Session& session, GatherBy by,
                                                c10::Device device, std::span<const double> mine);

} // namespace peakbench::cluster
