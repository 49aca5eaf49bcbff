// One reverse Gauss-Seidel sweep over all layers from the forward pass, unit step.
// The output state is put at the minimum of D + beta C for the prediction h_L of the forward pass;
// then, from the output down, every hidden state is moved by its pull alone (its own residual is
// zero), D_i = relu'(s_i) W_{i+1}^T e_{i+1}, and the gradient of a layer is taken once its state
// has moved and the one below has not, so that e_i = D_i. That is back-propagation of
//   M_beta(h_L) / beta,  M_beta(h) = min over s of D(s, h) + beta C(s, y),
// by the envelope theorem, and M_beta / beta tends to the training loss for small beta (ep.md, fact
// 5; W. Song et al. 2020 for the time at which gradients are taken).
#pragma once

#include <ATen/core/TensorBody.h>

#include "ep/arms.h"

namespace peakbench::ep {

// u = s_L - h_L at the minimum, [batch, classes] (up to a constant per row for cross-entropy).
// Diverged where a negative beta leaves no minimum.
at::Tensor output_displacement(const Settings& settings, const at::Tensor& prediction,
                               const at::Tensor& target, double beta);

// The sweep's way through the layers, for arms that differ in how they come by the activations.
class Sweep {
public:
  // `prediction`: h_L, [batch, classes]. Throws Diverged if it is not finite.
  Sweep(const Problem& problem, const at::Tensor& prediction, GradientSink& sink);
  // The next layer from the output down, with the activation a_{i-1} that enters it: hands its
  // gradient over and moves on to the layer below.
  void through(std::int64_t layer, const at::Tensor& entering);
  // After the last layer: Diverged, naming the highest layer, if an error overflowed (the weights
  // above it are changed already).
  void finish() const;

private:
  const Problem& problem_;
  GradientSink& sink_;
  at::Tensor error_; // of the layer that is next, divided by (2) beta
  at::Tensor sums_;  // of every layer's error, to find what is not finite by one read
};

// What an onlooker sees: states before and after, only computed for it. `predictions`: h_1 .. h_L.
void show_sweep(const Problem& problem, Observer& observer);

} // namespace peakbench::ep
