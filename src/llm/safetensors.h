// The header of a .safetensors file (https://github.com/huggingface/safetensors): a length, a JSON
// object of tensors, their bytes.
#pragma once

#include <map>
#include <string>

#include "llm/dequantize.h"
#include "llm/mapped_file.h"

namespace peakbench::llm {

// Tensors by name; their data points into `file`. UserError with the offset for a file that
// contradicts itself, and for a type that is not supported. Rotary tables that some files carry are
// left out.
std::map<std::string, StoredTensor> read_safetensors(const MappedFile& file);

} // namespace peakbench::llm
