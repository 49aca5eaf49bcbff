// An opened model file: header read, tensors on demand. Every format looks the same from here on:
// tensor names and row order are Hugging Face's (q and k rows for half-split rotary pairs).
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <memory>
#include <string>

#include "llm/config.h"
#include "llm/tokenizer.h"

namespace peakbench::llm {

class ModelSource {
public:
  virtual ~ModelSource() = default;
  // PATH: a .gguf file, a Hugging Face folder, a llama2.c .bin (its tokenizer beside it), or
  // "synthetic:NAME". Reads and checks the header only; UserError with file and offset.
  static std::unique_ptr<ModelSource> open(const std::string& path);

  virtual const ModelConfig& config() const = 0;
  virtual bool has(const std::string& name) const = 0;
  // The tensor by its Hugging Face name ("model.layers.0.self_attn.q_proj.weight"), de-quantised to
  // dtype, contiguous, on the device. Shape is checked against the config. UserError if missing.
  virtual at::Tensor tensor(const std::string& name, at::ScalarType dtype,
                            at::Device device) const = 0;
  // Null for a synthetic model.
  virtual std::shared_ptr<const Tokenizer> tokenizer() const = 0;
  // Bytes on disk of all tensors; for a synthetic model 0.
  virtual std::int64_t file_bytes() const = 0;
  // Parameters, the tied head counted once.
  virtual std::int64_t parameters() const = 0;
};

} // namespace peakbench::llm
