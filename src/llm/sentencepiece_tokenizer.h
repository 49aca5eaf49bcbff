// SentencePiece's byte-pair encoding: characters merge to the token of the best score; what is in
// no token falls back to byte tokens. As in llama2.c's tokenizer files and GGUF's `llama`
// tokenizers.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "llm/tokenizer_added.h"
#include "llm/tokenizer_base.h"

namespace peakbench::llm {

struct SentencePieceParts {
  TokenizerParts common;           // token bytes with blanks as blanks; byte tokens as their byte
  std::vector<float> scores;       // one per token
  bool leading_blank = true;       // a blank is put before the text
  bool blank_after_special = true; // and before the text behind a special token
  bool blank_if_missing = false;   // neither where the text begins with one
  bool blank_symbol = false;       // U+2581 in the text means a blank
};

// Turns a token as SentencePiece writes it into its bytes: U+2581 is a blank, "<0x0A>" a byte.
void decode_sentencepiece_token(TokenEntry& token);

class SentencePieceTokenizer final : public TokenizerBase {
public:
  explicit SentencePieceTokenizer(SentencePieceParts parts);

  std::vector<std::int32_t> encode(std::string_view text) const override;
  std::string description() const override;

private:
  std::int32_t find(std::string_view bytes) const;
  void encode_part(const std::string& text, std::vector<std::int32_t>& ids) const;

  std::unordered_map<std::string_view, std::int32_t> ids_; // keys are views into tokens_
  std::array<std::int32_t, 256> byte_ids_{};
  std::vector<float> scores_;
  std::size_t longest_ = 0;
  AddedTokenMatcher added_;
  std::int32_t unknown_ = -1;
  bool leading_blank_ = true, blank_after_special_ = true, blank_if_missing_ = false,
       blank_symbol_ = false;
};

} // namespace peakbench::llm
