// A model in a GGUF file.
#pragma once

#include <memory>
#include <string>

#include "llm/model_source.h"

namespace peakbench::llm {

std::unique_ptr<ModelSource> open_gguf(const std::string& path);

} // namespace peakbench::llm
