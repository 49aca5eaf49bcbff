// Muon's orthogonalisation: five Newton-Schulz steps towards the orthogonal factor of a matrix.
#pragma once

#include <ATen/core/TensorBody.h>

#include "kernels/newton_schulz.h"

namespace peakbench::ep {

inline constexpr int kNewtonSchulzSteps = 5;

// X <- a X + (b A + c A A) X with A = X X^T, from X = G / |G| (Frobenius).
enum class NewtonSchulz {
  quintic, // a, b, c = 3.4445, -4.7750, 2.0315 (Muon, Jordan et al. 2024): singular values above
           // about 1e-2 of |G| land in [0.68, 1.14]
  cubic,   // 1.5, -0.5, 0, and |G| taken as at least 1e-4 (the published EP): each step enlarges
           // small singular values by 1.5 only
};

kernels::NewtonSchulzRule rule_of(NewtonSchulz iteration);

// A matrix of the same shape; zero for zero. float32 on the CPU by kernels/newton_schulz,
// everything else by ATen.
at::Tensor orthogonalize(const at::Tensor& matrix, NewtonSchulz iteration);
at::Tensor orthogonalize_by_aten(const at::Tensor& matrix, NewtonSchulz iteration);

} // namespace peakbench::ep
