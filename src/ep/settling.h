// The settling loop of the arms that hold the states themselves (plain form): from the forward
// pass, T simultaneous steps v <- momentum v + g, s <- s - rate v, in a free and a nudged phase.
#pragma once

#include <ATen/core/TensorBody.h>

#include <functional>
#include <vector>

#include "ep/arms.h"

namespace peakbench::ep {

struct PlainStates {
  std::vector<at::Tensor> states;     // s_1 .. s_L, [batch, outputs of the layer]
  std::vector<at::Tensor> velocities; // the same shapes
};

// One Jacobi step on all layers: every gradient is taken at the states before the step.
using PlainStep = std::function<void(PlainStates&, double beta)>;

// The settled states. Throws Diverged naming step and layer, TimedOut.
std::vector<at::Tensor> settle(const Problem& problem, double beta, const PlainStep& step);

// v <- momentum v + force; s <- s - rate v. The force's storage becomes the velocity.
void apply_force(const Settings& settings, at::Tensor& state, at::Tensor& velocity,
                 at::Tensor force);

// Whether every element is finite, read from the device once.
bool all_finite(const std::vector<at::Tensor>& tensors);

// Runs `phase` once more, watching every step, and throws Diverged where the states first overflow.
// Divergence is found by one cheap check per phase; this is how it gets its step and layer.
[[noreturn]] void throw_diverged(const Problem& problem,
                                 const std::function<void(Observer*)>& phase);

} // namespace peakbench::ep
