// The GPU's kernel of ep_settle, in CUDA C++ that tests run on the CPU, too: one cooperative launch
// of blocks that are all there at once, and wait for each other.
#pragma once

#include "kernels/ep_settle_chain.cuh"
#include "kernels/ep_settle_cone.cuh"
#include "kernels/ep_settle_muon.cuh"
#include "kernels/ep_settle_stream.cuh"
#include "kernels/ep_settle_update.cuh"

namespace peakbench::kernels::device {

__device__ inline void ep_settle(const EpDeviceCall& call) {
  const bool settles =
      call.first < call.depth && (call.forward || call.errors || call.to > call.from);
  if (settles && thread_index() == 0) { // seen by others behind the next barrier
    reset(call.signals + 1 + block_index());
    if (block_index() == 0)
      reset(call.signals);
  }
  if (call.forward) {
    Chain(call).run();
    grid_barrier();
  }
  if (settles) {
    if (call.shape.stationary)
      StationaryCone(call).run();
    else
      StreamedCone(call).run();
  }
  if (call.update_count > 0) {
    grid_barrier();
    Update(call).run();
    if (call.orthogonalization.steps > 0) {
      grid_barrier();
      Muon(call).run();
    }
  }
}

} // namespace peakbench::kernels::device
