// The training loss, and plain back-propagation from it: shared by the back-propagation arms.
#pragma once

#include <ATen/core/TensorBody.h>

#include "ep/arms.h"

namespace peakbench::ep {

// C / B of an output [batch, classes]; a scalar that autograd can differentiate.
at::Tensor mean_loss(const Settings& settings, const Batch& batch, const at::Tensor& output);
// Diverged if the loss is not finite.
void require_finite(const at::Tensor& loss);
// Gradients of the layers from `first` on, with autograd, from the activation that enters `first`.
GradientSet back_propagate(const Problem& problem, std::int64_t first,
                           const at::Tensor& activation);

} // namespace peakbench::ep
