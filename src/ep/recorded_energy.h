// The energy as a graph for autograd, whole or a run of layers at a time.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <vector>

#include "ep/arms.h"
#include "ep/settling.h"

namespace peakbench::ep {

// The terms of B E of layers [begin, end), recorded (Stage::energy, Tag::activations); with the
// cost if the output layer is among them. `layers` and `states` are of the whole network.
at::Tensor recorded_energy(const Problem& problem, const std::vector<Layer>& layers,
                           const std::vector<at::Tensor>& states, std::int64_t begin,
                           std::int64_t end, double beta);

// One Jacobi step with the states' gradients by autograd, over the graph of `length` layers at a
// time: as many layers as there are is one graph.
void step_by_autograd(const Problem& problem, PlainStates& now, double beta, std::int64_t length);

// The weights' gradients by autograd from the contrast of the two phases' energies, over the graph
// of `length` layers at a time (Stage::contrast).
GradientSet contrast_by_autograd(const Problem& problem, const Phases& phases, std::int64_t length);

} // namespace peakbench::ep
