// The cone on a GPU in float32, profile clean: kernels/ep_settle_device.h does the whole step in
// one launch, with the update if the sink's rule allows.
#pragma once

#include <memory>

#include "ep/cone.h"
#include "kernels/ep_settle_device.h"

namespace peakbench::ep {

// Null where that kernel cannot run: other devices, types, profiles, tolerance, a network that is
// too wide, more steps than a launch knows layers.
std::unique_ptr<Cone> make_cuda_cone(const Problem& problem);

// The same with another way to launch it, so that tests can run it on the CPU.
std::unique_ptr<Cone> make_device_cone(const Problem& problem, const kernels::EpDevice& device,
                                       void* stream);

} // namespace peakbench::ep
