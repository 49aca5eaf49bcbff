// What is looked at beside the timed steps of a case: what the parts of a step cost, what a graph
// keeps for the backward pass, and whether an arm still does what ep_autograd does.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "ep/settings.h"

namespace peakbench::ep {

// A part of one training step (a Stage, `update`: the optimizer's, or `step`: all of it). The
// resident base, weights and batch, is in none of the figures.
struct Component {
  std::string name;
  std::int64_t evaluations = 0; // in one training step
  double seconds = 0; // of all evaluations, less what ran inside them under another name: the parts
                      // and what is under no name add up to `step`
  std::int64_t peak_bytes = 0; // greatest live memory in it, what it found included
  std::int64_t held_bytes = 0; // what that evaluation found when it began
};
// Of the step with the median time; components that the arm never entered are left out. Throws
// Diverged, TimedOut.
std::vector<Component> profile_components(const Settings& settings, c10::Device device,
                                          const Deadline& deadline);

// The forward pass alone: by hand without a graph, as torch::nn modules (Linear, ReLU) without a
// graph, and as modules with one. Memory beyond weights and batch; `live` at its end, with the
// output and the graph still there.
struct ForwardPass {
  std::string mode; // forward_manual_no_grad | forward_module_no_grad | forward_module_grad
  std::int64_t peak_bytes = 0, live_bytes = 0;
};
std::vector<ForwardPass> compare_forward_passes(const Settings& settings, c10::Device device);

// What the operations of one name keep for the backward pass.
struct SavedTensors {
  std::string mode;            // settling_step (nudged) | contrast
  std::string operation;       // "relu", "addmm", ...
  std::int64_t count = 0;      // saved tensors
  std::int64_t bytes = 0;      // of all of them, as if each were a tensor of its own
  std::int64_t kept_bytes = 0; // of their storages, each counted where it was saved first, without
                               // those of weights, batch and states, which would be there anyhow
};
// By the operation that saves them, for arms that record a graph; empty for others.
std::vector<SavedTensors> saved_tensors(const Settings& settings, c10::Device device,
                                        const Deadline& deadline);

// The criteria of ep.md. Distances to ep_autograd from the same copy of the weights, in float64,
// away from equilibrium: settling starts at the forward pass's states plus noise. ep_fused and what
// else starts at the forward pass by construction is compared in the nudged phase, where the nudge
// has moved the states. NaN: not measured.
struct Differences {
  double energy = std::numeric_limits<double>::quiet_NaN(); // greatest over the settling steps
  double state = std::numeric_limits<double>::quiet_NaN();  // greatest over the settled states
  double loss = std::numeric_limits<double>::quiet_NaN();   // greatest over kComparedSteps
};
inline constexpr Differences kDifferenceLimits{1e-8, 1e-5, 1e-3};
inline constexpr int kComparedSteps = 5; // training steps behind `loss`

struct Comparison {
  Differences arm;
  // The same with the published state gradients, which lack relu' W^T e: the negative control. A
  // check that it passes can tell nothing.
  Differences published;
};
// False for the arms that settle in another way (sweeps), for ep_autograd itself, and for
// back-propagation.
bool comparable_with_autograd(Arm arm);
// Of a comparable arm. Tolerance and adaptive rate are off: both always do T steps.
Comparison compare_with_autograd(const Settings& settings, c10::Device device,
                                 const Deadline& deadline);

// Greatest distance of a layer's gradient to back-propagation's, relative to it, in float64: what
// the sweeps' arms promise for small beta (ep.md, fact 5). Infinite where a layer got none.
double distance_to_backprop(const Settings& settings, c10::Device device, const Deadline& deadline);

} // namespace peakbench::ep
