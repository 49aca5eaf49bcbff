#include "llm/tokenizer_added.h"

#include "llm/tokenizer_utf8.h"

namespace peakbench::llm {

namespace {

std::uint64_t edge(std::uint32_t node, char byte) {
  return static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(byte);
}

} // namespace

AddedTokenMatcher::AddedTokenMatcher(std::vector<AddedToken> tokens)
    : tokens_(std::move(tokens)), token_of_node_{-1} {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (tokens_[i].content.empty())
      continue;
    begins_[static_cast<unsigned char>(tokens_[i].content[0])] = true;
    std::uint32_t node = 0;
    for (char byte : tokens_[i].content) {
      const auto fresh = static_cast<std::uint32_t>(token_of_node_.size());
      const auto [child, added] = children_.try_emplace(edge(node, byte), fresh);
      if (added)
        token_of_node_.push_back(-1);
      node = child->second;
    }
    if (token_of_node_[node] < 0)
      token_of_node_[node] = static_cast<std::int32_t>(i);
  }
}

const AddedToken* AddedTokenMatcher::longest_at(std::string_view text, std::size_t at) const {
  const AddedToken* best = nullptr;
  std::uint32_t node = 0;
  for (; at < text.size(); ++at) {
    const auto child = children_.find(edge(node, text[at]));
    if (child == children_.end())
      break;
    node = child->second;
    if (token_of_node_[node] >= 0)
      best = &tokens_[static_cast<std::size_t>(token_of_node_[node])];
  }
  return best;
}

void AddedTokenMatcher::split(std::string_view text,
                              const std::function<void(std::string_view)>& on_text,
                              const std::function<void(std::int32_t)>& on_token) const {
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const AddedToken* token =
        begins_[static_cast<unsigned char>(text[at])] ? longest_at(text, at) : nullptr;
    if (!token) {
      ++at;
      continue;
    }
    std::string_view before = text.substr(done, at - done);
    if (token->left_strip)
      before.remove_suffix(trailing_blanks(before));
    if (!before.empty())
      on_text(before);
    on_token(token->id);
    at += token->content.size();
    if (token->right_strip)
      at += leading_blanks(text.substr(at));
    done = at;
  }
  if (done < text.size())
    on_text(text.substr(done));
}

} // namespace peakbench::llm
