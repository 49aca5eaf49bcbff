// Which device a rank uses, and how many host threads.
#pragma once

#include <c10/core/Device.h>

#include <string>

#include "cluster/session.h"

namespace peakbench::cluster {

// "auto": the GPU of the local rank where there are GPUs, else the CPU; "cpu"; "cuda". UserError if
// there are more local ranks than GPUs (each rank's memory must be its own), or no GPU for "cuda".
c10::Device choose_device(const Session& session, const std::string& wish);
// Cores this process may use divided by the local ranks, at least 1.
int threads_per_rank(const Session& session);

}  // namespace peakbench::cluster
