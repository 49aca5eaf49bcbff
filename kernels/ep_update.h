// The optimizer of a layer applied straight from its errors and activations (float32 on the CPU):
// tiles of the gradient live in registers only, weights and momentum are changed in place.
//   weight gradient = sum of factors' scale error^T activation, bias gradient = sum of scale error
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace peakbench::kernels {

// Some rows of the batch.
struct EpFactor {
  const float* error = nullptr;      // [rows, outputs]
  const float* activation = nullptr; // [rows, inputs]: what entered the layer
  std::int64_t rows = 0;
  float scale = 1;
};

// sgd: w <- w - rate g. momentum: m <- mu m + g, w <- w - rate m. accumulate: momentum without
// changing the weight matrix (the bias is), which an orthogonalised momentum does next.
enum class EpRule { sgd, momentum, accumulate };

struct EpLayerUpdate {
  float* weight = nullptr; // [outputs, inputs]
  float* bias = nullptr;   // [outputs]
  std::int64_t inputs = 0, outputs = 0;
  float* weight_momentum = nullptr; // like weight, bias; not for sgd
  float* bias_momentum = nullptr;
  std::vector<EpFactor> factors;
};

// Layers side by side. A number is the same however the batch is cut into factors of one scale, and
// whatever the number of threads.
void ep_update(std::span<const EpLayerUpdate> layers, EpRule rule, float rate, float momentum);

} // namespace peakbench::kernels
