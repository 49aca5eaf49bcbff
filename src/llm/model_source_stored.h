// What all formats with tensors on disk share: a map from Hugging Face names to bytes in a mapping.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "llm/dequantize.h"
#include "llm/mapped_file.h"
#include "llm/model_source.h"

namespace peakbench::llm {

class StoredSource : public ModelSource {
public:
  const ModelConfig& config() const override { return config_; }
  bool has(const std::string& name) const override { return tensors_.contains(name); }
  at::Tensor tensor(const std::string& name, at::ScalarType dtype,
                    at::Device device) const override;
  std::shared_ptr<const Tokenizer> tokenizer() const override { return tokenizer_; }
  std::int64_t file_bytes() const override;
  std::int64_t parameters() const override { return count_parameters(config_); }

protected:
  explicit StoredSource(std::string path) : path_(std::move(path)) {}
  // UserError unless config and tensors are consistent and complete, and the tokenizer fits.
  void check() const;

  std::string path_;
  std::vector<MappedFile> files_;
  ModelConfig config_;
  std::map<std::string, StoredTensor> tensors_;
  std::shared_ptr<const Tokenizer> tokenizer_;
};

} // namespace peakbench::llm
