// How bytes travel between the ranks of a run.
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <string_view>

#include "cluster/session.h"

namespace peakbench::cluster {

enum class GatherBy { mpi, nccl };
std::string_view name_of(GatherBy by);

// Why NCCL cannot be used between the ranks of the session; empty if it can. Collective, the same
// text on every rank. NCCL wants a GPU per rank: two ranks on one are an obstacle.
std::string nccl_obstacle(const Session& session, c10::Device device);

// What `wish` ("auto", "mpi", "nccl") comes to for a run. `tensors_here`: cases run in the ranks
// themselves, so that traces are in a GPU memory that NCCL can reach; else they are in the memory
// of the process beside the rank, and MPI through the host is the only way. "auto": NCCL where it
// can be used and tensors are here; with cases in processes beside the ranks MPI, which has the
// merit of not disturbing the GPUs that are measured. Collective. UserError for "nccl" where there
// is an obstacle.
GatherBy choose_gather(const Session& session, const std::string& wish, c10::Device device,
                       bool tensors_here = true);

} // namespace peakbench::cluster
