#include "llm/bpe_tokenizer.h"

#include <fmt/format.h>

#include "base/error.h"
#include "llm/tokenizer_utf8.h"

namespace peakbench::llm {

namespace {

// Code point -> byte, -1 where the table has none. Printable Latin-1 stands for itself, the other
// bytes follow from U+0100 on, in order.
const std::array<std::int16_t, 324>& byte_of_code_point() {
  static const auto table = [] {
    std::array<std::int16_t, 324> result{};
    result.fill(-1);
    std::size_t next = 256;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) ||
                             (byte >= 0xAE && byte <= 0xFF);
      result[printable ? byte : next++] = static_cast<std::int16_t>(byte);
    }
    return result;
  }();
  return table;
}

std::vector<AddedToken> select(const std::vector<AddedToken>& tokens, bool normalized) {
  std::vector<AddedToken> selected;
  for (const AddedToken& token : tokens)
    if (token.normalized == normalized)
      selected.push_back(token);
  return selected;
}

} // namespace

std::optional<std::string> bytes_of_byte_level(std::string_view text) {
  const auto& table = byte_of_code_point();
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    const auto first = static_cast<unsigned char>(text[at]);
    if (length == 0 || length > 2)
      return std::nullopt;
    const std::size_t point =
        length == 1 ? first
                    : static_cast<std::size_t>((first & 31) << 6 |
                                               (static_cast<unsigned char>(text[at + 1]) & 63));
    if (point >= table.size() || table[point] < 0)
      return std::nullopt;
    bytes += static_cast<char>(table[point]);
    at += length;
  }
  return bytes;
}

struct BpeTokenizer::Run {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> symbols; // of one piece, kept for its memory
  MergeWork work;
};

BpeTokenizer::BpeTokenizer(BpeParts parts)
    : TokenizerBase(std::move(parts.common)), pre_tokenizer_(std::move(parts.pre_tokenizer)),
      added_(select(added_tokens_, false)), added_normalized_(select(added_tokens_, true)),
      ignore_merges_(parts.ignore_merges), nfc_(parts.nfc) {
  ids_.reserve(tokens_.size());
  // Ordinary tokens first: where two have the same bytes they are the ones that text means.
  for (const bool ordinary : {true, false})
    for (std::size_t id = 0; id < tokens_.size(); ++id) {
      const TokenEntry& token = tokens_[id];
      if ((token.kind == TokenKind::normal) == ordinary && !token.bytes.empty())
        ids_.try_emplace(token.bytes, static_cast<std::int32_t>(id));
    }
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    byte_ids_[static_cast<std::size_t>(byte)] = find({&c, 1});
  }
  std::vector<Merge> merges;
  merges.reserve(parts.merges.size());
  for (const auto& [left, right] : parts.merges) {
    const Merge merge{find(left), find(right), find(left + right)};
    if (merge.left < 0 || merge.right < 0 || merge.merged < 0)
      throw UserError(fmt::format("'{}': merge {} makes a token that is not in the vocabulary",
                                  file_, merges.size()));
    merges.push_back(merge);
  }
  merges_ = MergeTable(merges);
}

std::int32_t BpeTokenizer::find(std::string_view bytes) const {
  const auto found = ids_.find(bytes);
  return found == ids_.end() ? -1 : found->second;
}

std::string BpeTokenizer::description() const {
  return fmt::format("byte-level BPE, pre-tokenizer {}, {} merges", pre_tokenizer_.name(),
                     merges_.size());
}

std::vector<std::int32_t> BpeTokenizer::encode(std::string_view text) const {
  MergeWork work;
  return encode_counting(text, work);
}

std::vector<std::int32_t> BpeTokenizer::encode_counting(std::string_view text,
                                                        MergeWork& work) const {
  Run run;
  run.ids.reserve(text.size() / 4 + 8);
  added_.split(
      text, [&](std::string_view part) { encode_text(part, run); },
      [&](std::int32_t id) { run.ids.push_back(id); });
  work = run.work;
  return std::move(run.ids);
}

void BpeTokenizer::encode_text(std::string_view text, Run& run) const {
  for_each_utf8_part(
      text,
      [&](std::string_view valid) {
        const std::string normalized = nfc_ ? normalize_nfc(valid) : std::string();
        const std::string_view source = nfc_ ? std::string_view(normalized) : valid;
        if (added_normalized_.empty())
          return encode_valid(source, run);
        added_normalized_.split(
            source, [&](std::string_view part) { encode_valid(part, run); },
            [&](std::int32_t id) { run.ids.push_back(id); });
      },
      [&](std::string_view invalid) { encode_piece(invalid, run); });
}

void BpeTokenizer::encode_valid(std::string_view text, Run& run) const {
  for (std::string_view piece : pre_tokenizer_.split(text))
    encode_piece(piece, run);
}

void BpeTokenizer::encode_piece(std::string_view piece, Run& run) const {
  if (ignore_merges_) {
    if (const std::int32_t whole = find(piece); whole >= 0) {
      run.ids.push_back(whole);
      return;
    }
  }
  run.symbols.clear();
  for (char c : piece) {
    // A byte that the vocabulary lacks is left out, as the reference does.
    const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
    if (id >= 0)
      run.symbols.push_back(id);
  }
  merges_.apply(run.symbols, &run.work);
  run.ids.insert(run.ids.end(), run.symbols.begin(), run.symbols.end());
}

} // namespace peakbench::llm
