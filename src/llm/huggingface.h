// Models and tokenizers as Hugging Face lays them out: config.json, *.safetensors, tokenizer.json,
// tokenizer_config.json, generation_config.json.
#pragma once

#include <memory>
#include <string>

#include "llm/model_source.h"

namespace peakbench::llm {

std::unique_ptr<ModelSource> open_huggingface(const std::string& folder);

// `file` is a tokenizer.json; what belongs to it is looked for beside it, under the same prefix
// ("qwen2.5-tokenizer.json" has "qwen2.5-tokenizer_config.json").
std::unique_ptr<Tokenizer> open_huggingface_tokenizer(const std::string& file);

// config.json of a supported architecture. Whether the head is tied is decided by the tensors where
// the file does not say: `has_head`.
ModelConfig read_huggingface_config(const std::string& file, bool has_head);

} // namespace peakbench::llm
