// The settling loop of the arms that hold the states themselves (plain form): from the forward
// pass, T simultaneous steps v <- momentum v + g, s <- s - rate v, in two phases.
#pragma once

#include <ATen/core/TensorBody.h>

#include <functional>
#include <memory>
#include <vector>

#include "ep/arms.h"

namespace peakbench::ep {

struct PlainStates {
  std::vector<at::Tensor> states;     // s_1 .. s_L, [batch, outputs of the layer]
  std::vector<at::Tensor> velocities; // the same shapes
  double rate = 0;                    // what velocities are multiplied with (effective_rate)
};

// One Jacobi step on all layers: every gradient is taken at the states before the step.
using PlainStep = std::function<void(PlainStates&, double beta)>;
// Called once before the first step: may put states and velocities somewhere else.
using Arrange = std::function<void(PlainStates&)>;

// The settled states. Throws Diverged naming step and layer, TimedOut. Stage::settling.
std::vector<at::Tensor> settle(const Problem& problem, double beta, const PlainStep& step,
                               const Arrange& arrange = {});

// The two phases whose energies are contrasted: free and nudged, or nudged by -beta and +beta.
struct Phases {
  std::vector<at::Tensor> lower, upper;
  double lower_beta = 0, upper_beta = 0;
  double scale = 0; // 1 / ((upper_beta - lower_beta) B)
};
Phases settle_phases(const Problem& problem, const PlainStep& step, const Arrange& arrange = {});

// The states as an onlooker sees them; `states` must outlive it.
std::unique_ptr<SettlingView> view_of(const Problem& problem, const PlainStates& states,
                                      double beta);

// v <- momentum v + force; s <- s - rate v, of one layer. The force's storage becomes the velocity.
void apply_force(const Settings& settings, PlainStates& now, std::size_t layer, at::Tensor force);

// Whether every element is finite, read from the device once.
bool all_finite(const std::vector<at::Tensor>& tensors);

// Runs `phase` once more, watching every step, and throws Diverged where the states first overflow.
// Divergence is found by one cheap check per phase; this is how it gets its step and layer.
[[noreturn]] void throw_diverged(const Problem& problem,
                                 const std::function<void(Observer*)>& phase);

} // namespace peakbench::ep
