#include "llm/tokenizer_base.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "llm/jinja_tokens.h"

namespace peakbench::llm {

TokenizerBase::TokenizerBase(TokenizerParts parts)
    : file_(std::move(parts.file)), tokens_(std::move(parts.tokens)),
      added_tokens_(std::move(parts.added)), end_tokens_(std::move(parts.end_tokens)),
      begin_token_(parts.begin_token) {
  if (!parts.chat_template.empty())
    chat_.emplace(parts.chat_template, parts.begin_text, parts.end_text);
  const auto check = [&](std::int64_t id, const char* what) {
    if (id < 0 || id >= vocabulary())
      throw UserError(fmt::format("'{}': {} token {} is outside the vocabulary", file_, what, id),
                      fmt::format("it has {} tokens", vocabulary()), "");
  };
  std::sort(end_tokens_.begin(), end_tokens_.end());
  end_tokens_.erase(std::unique(end_tokens_.begin(), end_tokens_.end()), end_tokens_.end());
  for (std::int32_t id : end_tokens_)
    check(id, "end");
  for (const AddedToken& token : added_tokens_)
    check(token.id, "added");
  if (begin_token_)
    check(*begin_token_, "begin");
}

std::string TokenizerBase::decode(std::span<const std::int32_t> ids, bool keep_special) const {
  std::string text;
  bool after_begin = false;
  for (std::int32_t id : ids) {
    // Models have padding rows behind their vocabulary, which decode to nothing.
    if (id < 0 || id >= vocabulary())
      continue;
    const TokenEntry& token = tokens_[static_cast<std::size_t>(id)];
    if (token.kind == TokenKind::special && !keep_special) {
      after_begin = blank_after_begin_ && id == begin_token_;
      continue;
    }
    std::string_view bytes = token.bytes;
    if (after_begin && bytes.starts_with(' '))
      bytes.remove_prefix(1);
    text += bytes;
    after_begin = blank_after_begin_ && id == begin_token_;
  }
  return text;
}

std::string TokenizerBase::chat_text(std::string_view user_text) const {
  if (!chat_)
    throw UserError(fmt::format("'{}' has no chat template", file_),
                    "models tuned for chat have one", "Use prompt_format: raw");
  if (!chat_->problem().empty())
    throw UserError(fmt::format("the chat template of '{}' is not supported", file_),
                    chat_->problem(), "Use prompt_format: raw");
  try {
    return chat_->render(user_text);
  } catch (const JinjaError& error) {
    throw UserError(fmt::format("the chat template of '{}' refuses the prompt", file_),
                    error.what(), "Use prompt_format: raw");
  }
}

} // namespace peakbench::llm
