// The tokenizer in a GGUF file's metadata.
#pragma once

#include <memory>

#include "llm/gguf_file.h"
#include "llm/tokenizer.h"

namespace peakbench::llm {

// UserError for a tokenizer that is not supported, or inconsistent.
std::unique_ptr<Tokenizer> read_gguf_tokenizer(const GgufFile& file);

} // namespace peakbench::llm
