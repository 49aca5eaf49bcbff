// The energy of ep.md and its exact gradients, per row of the batch (that is, of B E):
//   B E = sum_{i<L} |s_i - h_i|^2 / 2 + D(s_L, h_L) + beta C(s_L, y)
// mse: D = |s - h|^2 / 2, C = |s - y|^2. cross_entropy: p = softmax(h / tau), q = softmax(s / tau),
// D = KL(p || q), C = -<y, log softmax(s)> with y smoothed. Profile compat has log(q + 1e-8) in D,
// as published; clean has log-softmax.
#pragma once

#include <ATen/core/TensorBody.h>

#include <vector>

#include "ep/network.h"
#include "ep/settings.h"

namespace peakbench::ep {

// What is added to q under the logarithm in profile compat.
inline constexpr double kCompatEpsilon = 1e-8;

// How far ep_finite_difference moves a state to either side: far enough for float64 energies to
// have seven digits of difference, and so little that hardly ever a unit is moved across its kink.
inline constexpr double kDifferenceStep = 1e-7;

// D and C of the output layer. States and predictions are [batch, classes]; results with a scalar
// shape are sums over the batch and can be differentiated by autograd.
class OutputLayer {
public:
  explicit OutputLayer(const Settings& settings);

  at::Tensor divergence(const at::Tensor& state, const at::Tensor& prediction) const; // D
  at::Tensor cost(const at::Tensor& state, const at::Tensor& target) const;           // C
  // The same row by row: [batch].
  at::Tensor divergence_of_rows(const at::Tensor& state, const at::Tensor& prediction) const;
  at::Tensor cost_of_rows(const at::Tensor& state, const at::Tensor& target) const;
  // B dE/ds_L.
  at::Tensor force(const at::Tensor& state, const at::Tensor& prediction, const at::Tensor& target,
                   double beta) const;
  // e_L = -B dE/dh_L.
  at::Tensor error(const at::Tensor& state, const at::Tensor& prediction) const;

  // The same two from u = s_L - h_L instead of s_L, without the cancellation in s_L - h_L or q - p
  // (profile clean only):
  //   q - p = p (x - <p, x>) / (1 + <p, x>), x = expm1(u / tau);  e_L = p (u - <p, u>) / tau^2
  at::Tensor force_from_difference(const at::Tensor& difference, const at::Tensor& prediction,
                                   const at::Tensor& target, double beta) const;
  at::Tensor error_from_difference(const at::Tensor& difference,
                                   const at::Tensor& prediction) const;

private:
  at::Tensor nudge(const at::Tensor& state, const at::Tensor& target, double beta) const;
  at::Tensor log_q(const at::Tensor& state) const;

  Loss loss_;
  double temperature_;
  bool compat_;
};

// What settling multiplies the velocity with: the rate (clean, per row), or rate / B (compat).
double effective_rate(const Settings& settings);

// |s - h|^2 / 2, summed over batch and width.
at::Tensor squared_residual(const at::Tensor& state, const at::Tensor& prediction);
// relu'(state) (error W): what a layer's error says about the state below it.
at::Tensor pull_back(const at::Tensor& error, const at::Tensor& weight, const at::Tensor& state);

// States s_1 .. s_L after a forward pass: the free equilibrium. Under Tag::states.
std::vector<at::Tensor> forward_states(const Network& network, const at::Tensor& input);
// E itself, in float64.
double energy(const Settings& settings, const Network& network, const Batch& batch,
              const std::vector<at::Tensor>& states, double beta);

} // namespace peakbench::ep
