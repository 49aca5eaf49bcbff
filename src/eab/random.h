// Counter-based random numbers (Philox 4x32-10): a number is a function of what it is for, so that
// no rank count, batch or order changes it. key = (seed, prompt), counter = (lineage, position,
// index).
#pragma once

#include <array>
#include <cstdint>

namespace peakbench::eab {

// Names a path by its branchings alone: it is what a path's random numbers hang on.
using Lineage = std::uint64_t;
inline constexpr Lineage kRootLineage = 0;
// Of the child that took `token` at `position`. The token, not the child's rank, so that two
// children whose order is decided by rounding keep their numbers.
Lineage child_lineage(Lineage parent, std::int64_t position, std::int32_t token);
// Of the index-th of independent samples.
Lineage sample_lineage(std::int64_t index);

class RandomKey {
public:
  RandomKey(std::uint64_t seed, std::uint64_t prompt_key);
  // Two independent numbers, uniform on (0, 1): 53 bits, never 0 or 1.
  std::array<double, 2> uniforms(Lineage lineage, std::int64_t position, std::uint32_t index) const;

private:
  std::array<std::uint32_t, 2> key_;
};

// Standard Gumbel variate of a uniform one.
double gumbel(double uniform);

} // namespace peakbench::eab
