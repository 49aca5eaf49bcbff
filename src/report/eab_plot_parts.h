// What the pictures of EAB have in common.
#pragma once

#include <string>
#include <string_view>

#include "report/plot.h"
#include "results/records.h"

namespace peakbench::report {

// An arm looks the same in every picture: colour and marker by arm, dash by way of decoding.
Style style_of_arm(std::string_view arm, std::string_view decode);
std::string arm_title(std::string_view arm, std::string_view decode); // "cow, batched"

// "cow, batched; SmolLM2, bfloat16; 19 samples of at most 50 tokens; threshold 0.2".
std::string setting_line(const results::EabCase& record, std::size_t samples);
// The prompt's text, cut, or its id.
std::string prompt_line(const results::EabCase& record, const std::string& prompt);

} // namespace peakbench::report
