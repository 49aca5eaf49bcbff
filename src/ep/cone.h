// The light cone of a nudge: the last T layers, settled in delta form.
// The forward pass is the free equilibrium s^f, so step t of the nudged phase moves layer L - t + 1
// for the first time, and after T steps only the last T layers have moved. Kept are their free
// states and the displacements D_i = s_i - s_i^f, from which every residual is taken without
// cancellation:
//   s_i - h_i = D_i - W_i (relu(s_{i-1}^f + D_{i-1}) - relu(s_{i-1}^f))
#pragma once

#include <ATen/core/TensorBody.h>

#include <memory>
#include <vector>

#include "ep/arms.h"
#include "kernels/ep_settle.h"

namespace peakbench::ep {

class Cone {
public:
  virtual ~Cone() = default;
  // T steps from the free equilibrium. Throws Diverged, TimedOut.
  virtual void settle(double beta, Observer* observer) = 0;
  // At the settled states, for layers from first_updated_layer() on; reads that layer's weights
  // only.
  virtual at::Tensor error(std::int64_t layer) const = 0; // e_i [batch, outputs]
  virtual at::Tensor
  activation(std::int64_t layer) const = 0; // what enters the layer [batch, inputs]
  // scale error^T activation as factors into this cone's memory, appended; false where the cone
  // keeps none.
  virtual bool add_factors(std::int64_t, double /*scale*/, std::vector<kernels::EpFactor>&) const {
    return false;
  }
  // settle() and the update of the weights by scale error^T activation, by the sink's rule; false,
  // with nothing done, where cone or sink cannot. For a gradient that is this one phase's.
  virtual bool settle_and_update(double /*beta*/, double /*scale*/, Observer*, GradientSink&) {
    return false;
  }
};

// Runs the forward pass, keeping what the cone needs: O(T) memory, under Tag::states.
// ATen: any device and type, both profiles. The other is kernels/ep_settle: float32 on the CPU,
// clean, T steps always (tolerance 0). Several cones may be alive at a time; beta may be negative.
std::unique_ptr<Cone> make_aten_cone(const Problem& problem);
std::unique_ptr<Cone> make_kernel_cone(const Problem& problem);
// What ep_settle is told of a problem, beta left open; pointers into its network and batch.
kernels::EpSettle ep_settle_call(const Problem& problem);
bool kernel_cone_runs(const Settings& settings, at::Device device);

} // namespace peakbench::ep
