// What every tokenizer has, whatever file it came from: the bytes of its tokens, special tokens,
// how a prompt begins and an answer ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/chat_template.h"
#include "llm/tokenizer.h"

namespace peakbench::llm {

enum class TokenKind : std::uint8_t { normal, added, special, byte, unused };

struct TokenEntry {
  std::string bytes; // what it decodes to
  TokenKind kind = TokenKind::unused;
};

// A token that is cut out of the text before anything else looks at it.
struct AddedToken {
  std::string content;
  std::int32_t id = 0;
  bool left_strip = false, right_strip = false; // swallows blanks beside it
  bool normalized = false;                      // is looked for after normalisation
};

struct TokenizerParts {
  std::string file; // for messages
  std::vector<TokenEntry> tokens;
  std::vector<AddedToken> added;
  std::vector<std::int32_t> end_tokens;
  std::optional<std::int32_t> begin_token; // put before a raw prompt
  std::string begin_text, end_text;        // what a chat template calls bos_token, eos_token
  std::string chat_template;               // Jinja text, empty if none
};

class TokenizerBase : public Tokenizer {
public:
  std::string decode(std::span<const std::int32_t> ids, bool keep_special) const override;
  std::int64_t vocabulary() const override { return static_cast<std::int64_t>(tokens_.size()); }
  const std::vector<std::int32_t>& end_tokens() const override { return end_tokens_; }
  std::optional<std::int32_t> begin_token() const override { return begin_token_; }
  std::string chat_family() const override {
    return chat_ && chat_->problem().empty() ? chat_->family() : "";
  }
  std::string chat_text(std::string_view user_text) const override;

protected:
  // Checks ids against the vocabulary: UserError.
  explicit TokenizerBase(TokenizerParts parts);

  std::string file_;
  std::vector<TokenEntry> tokens_;
  std::vector<AddedToken> added_tokens_;
  std::vector<std::int32_t> end_tokens_;
  std::optional<std::int32_t> begin_token_;
  std::optional<ChatTemplate> chat_;
  bool blank_after_begin_ =
      false; // SentencePiece: a blank is put before the text, and taken off again
};

} // namespace peakbench::llm
