// Counter-based random numbers (Philox 4x32-10): a value depends on the seed, its stream and its
// index only, so weights and batch are the same on every device, rank and thread count, and can be
// drawn again instead of being kept.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>

namespace peakbench::ep {

struct RandomKey {
  std::uint64_t seed = 0;
  std::uint32_t purpose = 0; // what the numbers are for
  std::uint32_t index = 0;   // which layer
};

// Uniform in (-bound, bound), in place; floating tensors of any device.
void fill_uniform(const at::Tensor& tensor, double bound, const RandomKey& key);
// Normal with mean 0, in place.
void fill_normal(const at::Tensor& tensor, double deviation, const RandomKey& key);
// Integers in [0, limit), in place; int64 tensors.
void fill_integers(const at::Tensor& tensor, std::int64_t limit, const RandomKey& key);

} // namespace peakbench::ep
