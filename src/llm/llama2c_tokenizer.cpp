#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "llm/llama2c.h"
#include "llm/mapped_file.h"
#include "llm/sentencepiece_tokenizer.h"

namespace peakbench::llm {

namespace {

constexpr std::size_t kUnknown = 0, kBegin = 1, kEnd = 2, kFirstByte = 3, kBytes = 256;

template <typename Number>
Number read(const MappedFile& file, std::size_t& offset) {
  if (file.size() - offset < sizeof(Number))
    throw UserError(
        fmt::format("'{}': the file ends inside a number at byte {}", file.path(), offset));
  Number number;
  std::memcpy(&number, file.bytes().data() + offset, sizeof number);
  offset += sizeof number;
  return number;
}

} // namespace

// The longest token's length, then a score, a length and the text of each token. Token 0 is
// unknown, 1 begins a text, 2 ends it (so does another 1), 3 to 258 are the bytes.
std::unique_ptr<Tokenizer> open_llama2c_tokenizer(const std::string& path) {
  const MappedFile file(path);
  SentencePieceParts parts;
  parts.common.file = path;
  std::size_t offset = 0;
  read<std::uint32_t>(file, offset);
  while (offset < file.size()) {
    const std::size_t id = parts.common.tokens.size(), start = offset;
    const float score = read<float>(file, offset);
    const auto length = read<std::int32_t>(file, offset);
    if (length < 0 || static_cast<std::size_t>(length) > file.size() - offset)
      throw UserError(
          fmt::format("'{}': token {} at byte {} has {} bytes", path, id, start, length),
          "this is not a llama2.c tokenizer, or it is cut short", "");
    if (!std::isfinite(score))
      throw UserError(
          fmt::format("'{}': token {} at byte {} has no finite score", path, id, start));
    const auto* text = reinterpret_cast<const char*>(file.bytes().data()) + offset;
    TokenEntry token{std::string(text, static_cast<std::size_t>(length)), TokenKind::normal};
    if (id == kUnknown || id == kBegin || id == kEnd)
      token.kind = TokenKind::special;
    if (id >= kFirstByte && id < kFirstByte + kBytes)
      token = {std::string(1, static_cast<char>(id - kFirstByte)), TokenKind::byte};
    offset += static_cast<std::size_t>(length);
    parts.common.tokens.push_back(std::move(token));
    parts.scores.push_back(score);
  }
  if (parts.common.tokens.size() < kFirstByte + kBytes)
    throw UserError(fmt::format("'{}' has {} tokens", path, parts.common.tokens.size()),
                    "a llama2.c tokenizer has 259 at least", "");
  parts.common.begin_token = static_cast<std::int32_t>(kBegin);
  parts.common.end_tokens = {static_cast<std::int32_t>(kBegin), static_cast<std::int32_t>(kEnd)};
  return std::make_unique<SentencePieceTokenizer>(std::move(parts));
}

} // namespace peakbench::llm
