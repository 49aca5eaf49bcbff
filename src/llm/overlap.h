// Tensors of one file share no byte: a small file could otherwise ask for any amount of memory.
#pragma once

#include <map>
#include <string>

#include "llm/dequantize.h"

namespace peakbench::llm {

// UserError naming `file` and two tensors of which the data overlap, if there are two.
void refuse_overlaps(const std::map<std::string, StoredTensor>& tensors, const std::string& file);

} // namespace peakbench::llm
