// The weights of a model in the form the forward pass wants them: fused where it saves a product.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <string>
#include <vector>

#include "llm/linear.h"
#include "llm/model_source.h"

namespace peakbench::llm {

struct Layer {
  at::Tensor attention_norm, mlp_norm; // float32 [width]
  at::Tensor query_norm, key_norm;     // float32 [head_width], undefined without
  Linear qkv;                          // rows of q, then k, then v
  Linear attention_out;
  Linear gate_up; // rows of gate, then up
  Linear down;

  std::int64_t bytes() const;
};

// The weights of NAMES below each other; the sources are freed one by one.
at::Tensor stack_rows(const ModelSource& source, const std::vector<std::string>& names,
                      at::ScalarType dtype, at::Device device);
Layer load_layer(const ModelSource& source, std::int64_t index, at::ScalarType dtype,
                 at::Device device);

} // namespace peakbench::llm
