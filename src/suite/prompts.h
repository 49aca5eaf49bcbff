// The prompts of a run: from a file, from the configuration, or generated to a length.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "llm/tokenizer.h"
#include "suite/config.h"

namespace peakbench::suite {

struct Prompt {
  std::string id, text, domain;
  std::string hash; // of the text, or of what a generated one is made from
  double rating = std::numeric_limits<double>::quiet_NaN(); // people's, NaN without one
  std::int64_t generated_tokens = 0;                        // 0: the text counts
  std::int64_t number = 0; // of a generated one among those of its length
};

// Files as in prompt_file.h. UserError with file and line.
std::vector<Prompt> read_prompts(const PromptSource& source, const std::string& config_path);

// What the model is given. A generated prompt has exactly its number of tokens, template included;
// where the model has no tokenizer its ids come from a hash. UserError if the model cannot take it.
std::vector<std::int32_t> encode(const Prompt& prompt, const llm::Tokenizer* tokenizer,
                                 llm::PromptFormat format, std::int64_t vocabulary);

} // namespace peakbench::suite
