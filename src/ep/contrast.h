// The weights' gradients from settled states, by the formulas of ep.md: no graph.
#pragma once

#include "ep/arms.h"
#include "ep/settling.h"

namespace peakbench::ep {

// (upper - lower) of dE/dW_i = -e_i^T a_{i-1} / B and dE/db_i = -sum over rows e_i / B, divided by
// the difference of their betas (Stage::contrast).
GradientSet contrast(const Problem& problem, const Phases& phases);

} // namespace peakbench::ep
