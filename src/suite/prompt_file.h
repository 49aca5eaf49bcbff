// Prompts as users bring them: JSONL, or any CSV of prompts and ratings.
#pragma once

#include <string>
#include <vector>

#include "suite/prompts.h"

namespace peakbench::suite {

// A name that ends in .csv is read as CSV, any other as JSONL.
//
// JSONL: one object per line with "id" and "text", perhaps "domain" and a number "rating".
// CSV: the columns are found by their header, in any order and case: `prompt` or `text`; perhaps
// `rating` or `human_ambiguity_score`; perhaps `id` (else row-1, row-2, ...) and `domain`.
// What else there is is ignored. UserError with file and line.
std::vector<Prompt> read_prompt_file(const std::string& file);

} // namespace peakbench::suite
