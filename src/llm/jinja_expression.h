// Expressions of the template language, parsed once and evaluated for each message.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "llm/jinja_tokens.h"
#include "llm/jinja_value.h"

namespace peakbench::llm {

// Variables by name. A loop has a frame of its own: what it sets is gone behind it.
class JinjaScope {
public:
  explicit JinjaScope(std::map<std::string, JinjaValue> variables)
      : frames_{std::move(variables)} {}

  JinjaValue get(const std::string& name) const;
  void set(const std::string& name, JinjaValue value) { frames_.back()[name] = std::move(value); }
  // A member of a namespace object, wherever it was made.
  void set_member(const std::string& name, const std::string& member, JinjaValue value);
  void open() { frames_.emplace_back(); }
  void close() { frames_.pop_back(); }

private:
  std::vector<std::map<std::string, JinjaValue>> frames_;
};

using JinjaExpression = std::function<JinjaValue(const JinjaScope&)>;

// Reads a tag's tokens from left to right.
class JinjaReader {
public:
  explicit JinjaReader(const std::vector<JinjaToken>& tokens) : tokens_(tokens) {}

  bool at_end() const { return peek().kind == JinjaToken::Kind::end; }
  bool is_symbol(const char* symbol) const;
  bool is_word(const char* word) const;
  bool take_symbol(const char* symbol);
  bool take_word(const char* word);
  void need_symbol(const char* symbol);
  void need_word(const char* word);
  void need_end();
  std::string need_name();
  [[noreturn]] void fail(const std::string& problem) const;

  // With a condition behind it ("a if b else c"), or, for loops, without.
  JinjaExpression expression();
  JinjaExpression without_condition() { return either(); }

private:
  const JinjaToken& peek() const { return tokens_[at_]; }
  JinjaToken take() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  JinjaExpression either();
  JinjaExpression both();
  JinjaExpression negation();
  JinjaExpression comparison();
  JinjaExpression binary(std::size_t level);
  JinjaExpression signed_value();
  JinjaExpression value();
  JinjaExpression name_or_call();
  JinjaExpression list(const char* close);
  JinjaExpression dictionary();
  JinjaExpression with_suffixes(JinjaExpression base);
  JinjaExpression with_item(JinjaExpression base);
  JinjaExpression with_test(JinjaExpression base);
  std::vector<JinjaExpression> arguments();

  const std::vector<JinjaToken>& tokens_;
  std::size_t at_ = 0;
};

} // namespace peakbench::llm
