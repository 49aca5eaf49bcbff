// What every arm is: one function that computes a step's gradients and hands them over layer by
// layer. One file per arm; this is where they meet.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/deadline.h"
#include "ep/network.h"
#include "ep/settings.h"
#include "ep/stages.h"
#include "kernels/ep_update.h"
#include "kernels/newton_schulz.h"

namespace peakbench::ep {

// A gradient as the sum of products that it is (float32, CPU): kernels/ep_update.h.
struct FactoredGradient {
  std::int64_t layer = 0;
  std::vector<kernels::EpFactor> factors;
};

// What such a kernel does to the layers from the first on: kernels/ep_update.h.
struct WeightUpdate {
  kernels::EpRule rule = kernels::EpRule::sgd;
  double learning_rate = 0, momentum = 0;
  std::vector<Layer> momenta;                  // empty: none
  kernels::NewtonSchulzRule orthogonalization; // of the matrices' momenta, with rule accumulate
};

// Takes the gradient of the mean loss (its EP estimate), once per layer, in any order. A sink may
// change that layer's weights at once: an arm hands a layer over after its last use of it.
class GradientSink {
public:
  virtual ~GradientSink() = default;
  virtual void accept(std::int64_t layer, const at::Tensor& weight, const at::Tensor& bias) = 0;
  // The same gradients as factors that were not multiplied yet, of all layers that have one. False,
  // with nothing done: this sink wants to see gradients.
  virtual bool accept_factors(std::span<const FactoredGradient>) { return false; }
  // For kernels that update the weights of layers `first` .. themselves; nothing if this sink wants
  // to see gradients. Layers whose momenta they did not orthogonalise are left to finish_update().
  virtual std::optional<WeightUpdate> begin_update(std::int64_t /*first*/) { return {}; }
  virtual void finish_update(std::span<const std::int64_t> /*layers*/) {}
};

// A settling network, seen between two steps.
class SettlingView {
public:
  virtual ~SettlingView() = default;
  virtual double energy() const = 0;
  virtual at::Tensor state(std::int64_t layer) const = 0; // undefined where the arm holds none
  // The lowest layer with a state that is not finite, or -1.
  virtual std::int64_t first_non_finite() const = 0;
};

// Called before the first step (step 0) and after every step of a phase (beta 0: free).
class Observer {
public:
  virtual ~Observer() = default;
  virtual void after_step(double beta, std::int64_t step, const SettlingView& view) = 0;
};

struct Problem {
  const Settings& settings;
  const Network& network;
  const Batch& batch;
  Observer* observer = nullptr;
  const Deadline& deadline;
  StageWatch* stages = nullptr;
  // Where settling starts, [depth] states, instead of the forward pass: for looking at arms away
  // from equilibrium. Only for arms that hold all states (see arms.cpp).
  const std::vector<at::Tensor>* start = nullptr;
};

// Throw Diverged before anything was handed to the sink, and TimedOut.
// Arms that stream (backprop_streamed, ep_sweep, ep_sweep_checkpoint) look for what is not finite
// at the output before, and ep_sweep at all layers after.
void backprop(const Problem& problem, GradientSink& sink);
void backprop_checkpoint(const Problem& problem, GradientSink& sink);
void backprop_streamed(const Problem& problem, GradientSink& sink);
void truncated_backprop(const Problem& problem, GradientSink& sink);
void ep_autograd(const Problem& problem, GradientSink& sink);
void ep_manual(const Problem& problem, GradientSink& sink);
void ep_finite_difference(const Problem& problem, GradientSink& sink);
void ep_analytic(const Problem& problem, GradientSink& sink);
void ep_checkpoint(const Problem& problem, GradientSink& sink);
void ep_batched(const Problem& problem, GradientSink& sink);
void ep_sweep(const Problem& problem, GradientSink& sink);
void ep_sweep_checkpoint(const Problem& problem, GradientSink& sink);
void ep_fused(const Problem& problem, GradientSink& sink);

// Runs the arm of the settings.
void run_arm(const Problem& problem, GradientSink& sink);
// The lowest layer that T settling steps can move: layer L - T (counted from 0). With the logarithm
// of profile compat the output's error is not quite zero at the forward pass, so that the first
// step moves two layers already.
std::int64_t first_settling_layer(const Settings& settings);
// The lowest layer that a step of the arm can change.
std::int64_t first_updated_layer(const Settings& settings);

// A gradient per layer: what an arm that does not stream holds before its optimizer begins.
struct GradientSet {
  std::int64_t first = 0; // layer of gradients[0]
  std::vector<Layer> gradients;
  void hand_to(GradientSink& sink) const;
};

} // namespace peakbench::ep
