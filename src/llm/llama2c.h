// llama2.c's model and tokenizer files (https://github.com/karpathy/llama2.c, version 0 of its
// format): small models for tests.
#pragma once

#include <memory>
#include <string>

#include "llm/model_source.h"

namespace peakbench::llm {

// The tokenizer is the one `tok*.bin` (or tokenizer.bin) beside the model.
std::unique_ptr<ModelSource> open_llama2c(const std::string& path);
std::unique_ptr<Tokenizer> open_llama2c_tokenizer(const std::string& path);

} // namespace peakbench::llm
