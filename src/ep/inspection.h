// What is looked at outside the clock: how far an arm's gradient is from autograd in float64.
#pragma once

#include "ep/arms.h"
#include "ep/experiment.h"

namespace peakbench::ep {

// The reference gradients in float64, from the network's weights, and what float arithmetic can
// tell.
struct Reference {
  GradientSet gradients; // EP arms: the light cone and one layer below it, where they are zero
  std::vector<double> resolution; // per entry: the least gradient norm that an arm can resolve
};
// `observer` sees the reference settle; its layer 0 is the problem's first_compared_layer().
Reference reference_gradients(const Problem& problem, Observer* observer = nullptr);
std::int64_t first_compared_layer(const Settings& settings);

// Reach, error and norms of an arm's gradients (undefined tensors where it handed none over).
void compare(const std::vector<Layer>& gradients, const Reference& reference, Inspection& result);

// The gradients of back-propagation in float64, all layers.
std::vector<Layer> backprop_gradients(const Problem& problem);
// Cosines of an arm's gradients to these.
void compare_to_backprop(const std::vector<Layer>& gradients, const std::vector<Layer>& backprop,
                         Inspection& result);

// One step of the problem's arm, its gradients kept instead of applied.
Inspection inspect_step(const Settings& settings, const Network& network, const Batch& batch,
                        const Deadline& deadline);

} // namespace peakbench::ep
