// The parts of a tokenizer.json that say what happens to text before and after the merges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "llm/huggingface_json.h"
#include "llm/tokenizer_base.h"

namespace peakbench::llm {

struct TextPipeline {
  bool byte_level = false;           // else SentencePiece with byte fallback
  bool nfc = false;                  // byte-level only
  std::vector<std::string> patterns; // of the pre-tokenizer, in order
  bool leading_blank = false;        // SentencePiece only
  bool blank_after_special = false;  // and one after every special token
  bool blank_if_missing = false;     // but not where the text begins with one
};

// Normaliser and pre-tokenizer. UserError naming the first step that is not supported.
TextPipeline read_text_pipeline(const JsonFile& file);

// The special token that the post-processor's template puts first.
std::optional<std::int32_t> read_begin_token(const JsonFile& file);

// chat_template of a tokenizer_config.json: one text, or a list of which "default" is taken.
std::string read_chat_template(const JsonFile& config);

} // namespace peakbench::llm
