// Newton-Schulz iteration towards the orthogonal factor of a matrix (Muon), float32 on the CPU.
//   X <- a X + b A X + c A A X,  A = X X^T,  from X = G / |G| (Frobenius)
// Kept is Y, X or its transpose, whichever is the taller: then A = Y^T Y is the smaller of the two
// products, it is symmetric and computed by half, and Y (a I + b A + c A A) is the same X.
#pragma once

#include <cstdint>
#include <span>

namespace peakbench::kernels {

struct NewtonSchulzRule {
  float a = 0, b = 0, c = 0;
  int steps = 0;
  float least_norm = 0, largest_norm = 0; // what |G| is taken as at least and at most; 0: as it is
};

// target = scale X, or target += scale X. Zero for a zero matrix; the result does not depend on the
// scale of the source (but for least_norm and largest_norm).
struct NewtonSchulzMatrix {
  std::int64_t rows = 0, columns = 0;
  const float* source = nullptr; // [rows, columns]
  float* target = nullptr;       // [rows, columns]; may be the source
  float scale = 1;
  bool add = false;
};

// All matrices, in memory of as many floats as newton_schulz_floats says for this list: two
// matrices of Muon's usual size at a time, or one of any size. Neither the result nor the memory
// depends on the number of threads.
void newton_schulz(std::span<const NewtonSchulzMatrix> matrices, const NewtonSchulzRule& rule,
                   float* workspace);
std::int64_t newton_schulz_floats(std::span<const NewtonSchulzMatrix> matrices);

} // namespace peakbench::kernels
