// Rotary position embedding: angles per position, half-split pairs (i, i + head_width / 2).
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <span>
#include <vector>

#include "llm/config.h"

namespace peakbench::llm {

class Rope {
public:
  explicit Rope(const ModelConfig& config);

  // Radians per position for every pair, scaling applied (Llama 3: "The Llama 3 Herd of Models" and
  // its published code; GGUF's rope_freqs are divisors of the plain frequencies).
  const std::vector<double>& frequencies() const { return frequencies_; }
  // Cosines, then sines of each position: float32 [2, positions, head_width / 2].
  at::Tensor table(std::span<const std::int64_t> positions, at::Device device) const;
  // The same of one position, [head_width / 2] each.
  void angles(std::int64_t position, float* cosines, float* sines) const;

private:
  std::vector<double> frequencies_;
};

} // namespace peakbench::llm
