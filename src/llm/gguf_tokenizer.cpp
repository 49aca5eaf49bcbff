#include "llm/gguf_tokenizer.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "llm/bpe_tokenizer.h"
#include "llm/sentencepiece_tokenizer.h"

namespace peakbench::llm {

namespace {

const std::string kPrefix = "tokenizer.ggml.";

TokenKind kind_of(const GgufFile& file, double type) {
  if (type == 1)
    return TokenKind::normal;
  if (type == 2 || type == 3)
    return TokenKind::special; // 2: unknown
  if (type == 4)
    return TokenKind::added;
  if (type == 5)
    return TokenKind::unused;
  if (type == 6)
    return TokenKind::byte;
  throw UserError(fmt::format("'{}': token type {} is not known", file.path(), type));
}

TokenizerParts read_common(const GgufFile& file, bool begins_by_default) {
  TokenizerParts parts;
  parts.file = file.path();
  const auto texts = file.texts(kPrefix + "tokens");
  if (!texts || texts->empty())
    throw UserError(fmt::format("'{}': the tokenizer has no tokens", file.path()));
  const auto types = file.numbers(kPrefix + "token_type");
  if (types && types->size() != texts->size())
    throw UserError(fmt::format("'{}': {} tokens but {} token types", file.path(), texts->size(),
                                types->size()));
  for (std::size_t id = 0; id < texts->size(); ++id) {
    const TokenKind kind = types ? kind_of(file, (*types)[id]) : TokenKind::normal;
    parts.tokens.push_back({std::string((*texts)[id]), kind});
    if (kind == TokenKind::special || kind == TokenKind::added)
      parts.added.push_back({std::string((*texts)[id]), static_cast<std::int32_t>(id)});
  }
  const auto id_of = [&](const char* name) -> std::optional<std::int32_t> {
    const auto id = file.integer(kPrefix + name);
    if (!id || *id == -1 || *id == 0xffffffff)
      return std::nullopt; // "none" in some files
    if (*id < 0 || *id >= static_cast<std::int64_t>(parts.tokens.size()))
      throw UserError(fmt::format("'{}': {} {} is outside the vocabulary", file.path(), name, *id));
    return static_cast<std::int32_t>(*id);
  };
  for (const char* name : {"eos_token_id", "eot_token_id", "eom_token_id"})
    if (const auto id = id_of(name))
      parts.end_tokens.push_back(*id);
  if (const auto end = id_of("eos_token_id"))
    parts.end_text = parts.tokens[static_cast<std::size_t>(*end)].bytes;
  if (const auto begin = id_of("bos_token_id")) {
    parts.begin_text = parts.tokens[static_cast<std::size_t>(*begin)].bytes;
    if (file.boolean(kPrefix + "add_bos_token").value_or(begins_by_default))
      parts.begin_token = begin;
  }
  parts.chat_template = file.text("tokenizer.chat_template").value_or("");
  return parts;
}

std::unique_ptr<Tokenizer> read_byte_level(const GgufFile& file) {
  const std::string pre(file.text(kPrefix + "pre").value_or("gpt-2"));
  const bool llama3 = pre == "llama-bpe";
  // The file says nothing of normalisation; the tokenizers that Qwen publishes compose (NFC).
  BpeParts parts{
      read_common(file, llama3), {}, PreTokenizer::named(pre, file.path()), llama3, pre == "qwen2"};
  for (TokenEntry& token : parts.common.tokens)
    if (token.kind == TokenKind::normal)
      if (auto bytes = bytes_of_byte_level(token.bytes))
        token.bytes = std::move(*bytes);
  const auto merges = file.texts(kPrefix + "merges");
  if (!merges)
    throw UserError(fmt::format("'{}': the tokenizer has no merges", file.path()));
  for (std::string_view merge : *merges) {
    const std::size_t blank = merge.find(' ', 1);
    const auto left = bytes_of_byte_level(merge.substr(0, blank));
    const auto right = blank == std::string_view::npos
                           ? std::nullopt
                           : bytes_of_byte_level(merge.substr(blank + 1));
    if (!left || !right)
      throw UserError(fmt::format("'{}': merge {} is malformed", file.path(), parts.merges.size()));
    parts.merges.emplace_back(*left, *right);
  }
  return std::make_unique<BpeTokenizer>(std::move(parts));
}

std::unique_ptr<Tokenizer> read_sentencepiece(const GgufFile& file) {
  SentencePieceParts parts;
  parts.common = read_common(file, true);
  parts.leading_blank = parts.blank_after_special =
      file.boolean(kPrefix + "add_space_prefix").value_or(true);
  parts.blank_symbol = true;
  const auto scores = file.numbers(kPrefix + "scores");
  if (!scores)
    throw UserError(fmt::format("'{}': the tokenizer has no scores", file.path()));
  for (double score : *scores) {
    if (!std::isfinite(score))
      throw UserError(fmt::format("'{}': a token has score {}", file.path(), score));
    parts.scores.push_back(static_cast<float>(score));
  }
  for (TokenEntry& token : parts.common.tokens)
    if (token.kind == TokenKind::normal || token.kind == TokenKind::byte)
      decode_sentencepiece_token(token);
  return std::make_unique<SentencePieceTokenizer>(std::move(parts));
}

} // namespace

std::unique_ptr<Tokenizer> read_gguf_tokenizer(const GgufFile& file) {
  const std::string_view model = file.needed_text(kPrefix + "model");
  if (model == "gpt2")
    return read_byte_level(file);
  if (model == "llama")
    return read_sentencepiece(file);
  throw UserError(fmt::format("'{}': tokenizer model '{}' is not supported", file.path(), model),
                  "supported: gpt2 (byte-level BPE), llama (SentencePiece)", "");
}

} // namespace peakbench::llm
