// Models of published shapes with random weights, for cost runs where the weights cannot be had.
#pragma once

#include <memory>
#include <string>

#include "llm/model_source.h"

namespace peakbench::llm {

// "qwen2.5-0.5b", ...; UserError with the list for an unknown one. Weights are drawn on the device,
// N(0, 0.02) (norms are 1), and depend on the model and the tensor's name only.
std::unique_ptr<ModelSource> open_synthetic(const std::string& name);

} // namespace peakbench::llm
