// Finds added and special tokens in text: leftmost first, the longest of those that begin there.
#pragma once

#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "llm/tokenizer_base.h"

namespace peakbench::llm {

class AddedTokenMatcher {
public:
  AddedTokenMatcher() = default;
  explicit AddedTokenMatcher(std::vector<AddedToken> tokens);

  // Calls text(part) and token(id), in order. Linear in the text times the longest token.
  void split(std::string_view text, const std::function<void(std::string_view)>& on_text,
             const std::function<void(std::int32_t)>& on_token) const;
  bool empty() const { return tokens_.empty(); }

private:
  // The token that begins at `at`, or null.
  const AddedToken* longest_at(std::string_view text, std::size_t at) const;

  std::vector<AddedToken> tokens_;
  std::unordered_map<std::uint64_t, std::uint32_t> children_; // (node, byte) -> node; 0 is the root
  std::vector<std::int32_t> token_of_node_;                   // index into tokens_, -1 if none
  bool begins_[256] = {};
};

} // namespace peakbench::llm
