// Byte-level BPE: text -> added tokens cut out -> normalised -> pieces -> bytes -> merges.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "llm/bpe_merges.h"
#include "llm/pretokenizer.h"
#include "llm/tokenizer_added.h"
#include "llm/tokenizer_base.h"

namespace peakbench::llm {

struct BpeParts {
  TokenizerParts common;
  // Pairs of token texts in order of rank, in raw bytes.
  std::vector<std::pair<std::string, std::string>> merges;
  PreTokenizer pre_tokenizer;
  bool ignore_merges = false; // a piece that is a token is taken whole
  bool nfc = false;
};

class BpeTokenizer final : public TokenizerBase {
public:
  // UserError if a merge names a token that is not in the vocabulary.
  explicit BpeTokenizer(BpeParts parts);

  std::vector<std::int32_t> encode(std::string_view text) const override;
  std::string description() const override;
  // As encode, and adds up the work done by merging.
  std::vector<std::int32_t> encode_counting(std::string_view text, MergeWork& work) const;

private:
  struct Run;
  std::int32_t find(std::string_view bytes) const; // -1 if there is no such token
  void encode_text(std::string_view text, Run& run) const;
  void encode_valid(std::string_view text, Run& run) const;
  void encode_piece(std::string_view piece, Run& run) const;

  // Keys are views into tokens_.
  std::unordered_map<std::string_view, std::int32_t> ids_;
  std::array<std::int32_t, 256> byte_ids_{};
  MergeTable merges_;
  PreTokenizer pre_tokenizer_;
  AddedTokenMatcher added_, added_normalized_;
  bool ignore_merges_ = false, nfc_ = false;
};

// Byte-level vocabularies write every byte as a printable character (GPT-2's table). The bytes that
// such a text stands for; empty optional if a character is not in the table.
std::optional<std::string> bytes_of_byte_level(std::string_view text);

} // namespace peakbench::llm
