// What of this folder is done with NCCL. Without it (PEAKBENCH_USE_NCCL 0) `nccl_available` says
// so, and the rest throws std::logic_error.
#pragma once

#include <c10/core/Device.h>

#include <memory>

#include "cluster/session.h"

namespace peakbench::cluster {

class Collectives;
class TensorChannel;

bool nccl_available();
// Collective; `device` is this rank's own GPU. Every wait has a time limit and looks for errors of
// other ranks; on either the communicator is aborted and std::runtime_error thrown.
std::unique_ptr<Collectives> nccl_collectives(const Session& session, c10::Device device,
                                              double limit_seconds);
std::unique_ptr<TensorChannel> nccl_tensor_channel(const Session& session, c10::Device device,
                                                   double limit_seconds);

} // namespace peakbench::cluster
