// Gathering device tensors with NCCL. Without it (PEAKBENCH_USE_NCCL 0) `nccl_available` says so.
#pragma once

#include <ATen/core/TensorBody.h>

#include "cluster/session.h"

namespace peakbench::cluster {

bool nccl_available();
// Collective; `mine` [n] float64, contiguous, on this rank's own GPU. Returns [ranks, n] there.
// Every wait has a time limit and looks for errors of other ranks; on either the communicator is
// aborted and std::runtime_error thrown.
at::Tensor nccl_all_gather(const Session& session, const at::Tensor& mine, double limit_seconds);

} // namespace peakbench::cluster
