#include "llm/sentencepiece_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <queue>

#include "base/error.h"
#include "llm/tokenizer_utf8.h"

namespace peakbench::llm {

namespace {

constexpr std::string_view kBlankSymbol = "\xE2\x96\x81"; // U+2581

std::string with_blanks(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const bool blank = text.substr(at).starts_with(kBlankSymbol);
    result += blank ? ' ' : text[at];
    at += blank ? kBlankSymbol.size() : 1;
  }
  return result;
}

} // namespace

void decode_sentencepiece_token(TokenEntry& token) {
  const std::string& text = token.bytes;
  if (text.size() == 6 && text.starts_with("<0x") && text.ends_with('>')) {
    int byte = 0;
    const auto parsed = std::from_chars(text.data() + 3, text.data() + 5, byte, 16);
    if (parsed.ptr == text.data() + 5) {
      token = {std::string(1, static_cast<char>(byte)), TokenKind::byte};
      return;
    }
  }
  token.bytes = with_blanks(text);
}

SentencePieceTokenizer::SentencePieceTokenizer(SentencePieceParts parts)
    : TokenizerBase(std::move(parts.common)), scores_(std::move(parts.scores)),
      added_(added_tokens_), leading_blank_(parts.leading_blank),
      blank_after_special_(parts.blank_after_special), blank_if_missing_(parts.blank_if_missing),
      blank_symbol_(parts.blank_symbol) {
  if (scores_.size() != tokens_.size())
    throw UserError(
        fmt::format("'{}': {} tokens but {} scores", file_, tokens_.size(), scores_.size()));
  blank_after_begin_ = leading_blank_;
  byte_ids_.fill(-1);
  ids_.reserve(tokens_.size());
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    const TokenEntry& token = tokens_[i];
    if (token.kind == TokenKind::byte && token.bytes.size() == 1)
      byte_ids_[static_cast<unsigned char>(token.bytes[0])] = id;
    if (token.kind == TokenKind::special && unknown_ < 0)
      unknown_ = id; // <unk> is the first one
    if (token.kind != TokenKind::normal || token.bytes.empty())
      continue;
    ids_.try_emplace(token.bytes, id);
    longest_ = std::max(longest_, token.bytes.size());
  }
}

std::int32_t SentencePieceTokenizer::find(std::string_view bytes) const {
  const auto found = ids_.find(bytes);
  return found == ids_.end() ? -1 : found->second;
}

std::string SentencePieceTokenizer::description() const {
  return fmt::format("SentencePiece BPE, {} tokens", tokens_.size());
}

std::vector<std::int32_t> SentencePieceTokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  bool first = true;
  added_.split(
      text,
      [&](std::string_view part) {
        std::string source = blank_symbol_ ? with_blanks(part) : std::string(part);
        if (leading_blank_ && first && !(blank_if_missing_ && source.starts_with(' ')))
          source.insert(0, 1, ' ');
        first = false;
        encode_part(source, ids);
      },
      [&](std::int32_t id) {
        ids.push_back(id);
        first = blank_after_special_;
      });
  return ids;
}

void SentencePieceTokenizer::encode_part(const std::string& text,
                                         std::vector<std::int32_t>& ids) const {
  struct Symbol {
    std::size_t begin, bytes; // 0 bytes: merged away
    std::int64_t previous, next;
  };
  struct Candidate {
    float score;
    std::int64_t left, right;
    std::size_t bytes;
    bool operator<(const Candidate& other) const {
      return score != other.score ? score < other.score : left > other.left;
    }
  };
  std::vector<Symbol> symbols;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = std::max<std::size_t>(1, utf8_length(text, at));
    const auto index = static_cast<std::int64_t>(symbols.size());
    symbols.push_back({at, bytes, index - 1, index + 1});
    at += bytes;
  }
  const auto count = static_cast<std::int64_t>(symbols.size());
  const std::string_view view = text;
  std::priority_queue<Candidate> heap;
  const auto offer = [&](std::int64_t left) {
    if (left < 0 || symbols[left].next >= count)
      return;
    const std::int64_t right = symbols[left].next;
    const std::size_t bytes = symbols[left].bytes + symbols[right].bytes;
    if (bytes > longest_)
      return;
    const std::int32_t id = find(view.substr(symbols[left].begin, bytes));
    if (id >= 0)
      heap.push({scores_[static_cast<std::size_t>(id)], left, right, bytes});
  };
  for (std::int64_t i = 0; i < count; ++i)
    offer(i);
  while (!heap.empty()) {
    const Candidate best = heap.top();
    heap.pop();
    Symbol &left = symbols[best.left], &right = symbols[best.right];
    // Out of date if either side has been merged since.
    if (left.bytes == 0 || right.bytes == 0 || left.bytes + right.bytes != best.bytes)
      continue;
    left.bytes = best.bytes;
    right.bytes = 0;
    left.next = right.next;
    if (right.next < count)
      symbols[right.next].previous = best.left;
    offer(left.previous);
    offer(best.left);
  }
  for (const Symbol& symbol : symbols) {
    if (symbol.bytes == 0)
      continue;
    const std::string_view piece = view.substr(symbol.begin, symbol.bytes);
    if (const std::int32_t id = find(piece); id >= 0) {
      ids.push_back(id);
      continue;
    }
    for (char c : piece) {
      const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
      if (id >= 0 || unknown_ >= 0)
        ids.push_back(id >= 0 ? id : unknown_);
    }
  }
}

} // namespace peakbench::llm
