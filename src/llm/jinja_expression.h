// Expressions of the template language, parsed once and evaluated for each message.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "llm/jinja_tokens.h"
#include "llm/jinja_value.h"

namespace peakbench::llm {

// Variables by name. A loop has a frame of its own: what it sets is gone behind it.
// A template comes with a model file from anywhere, and a few loops in it could run for years or
// fill the memory: what it computes is counted in bytes, and ends in a JinjaError.
class JinjaScope {
public:
  explicit JinjaScope(std::map<std::string, JinjaValue> variables);

  JinjaValue get(const std::string& name) const;
  void set(const std::string& name, JinjaValue value) { frames_.back()[name] = std::move(value); }
  // A member of a namespace object, wherever it was made.
  void set_member(const std::string& name, const std::string& member, JinjaValue value);
  void open() { frames_.emplace_back(); }
  void close() { frames_.pop_back(); }

  // Counts a step that makes so many bytes, or a value.
  void spend(std::size_t bytes) const;
  void spend(const JinjaValue& made) const { spend(jinja_bytes(made)); }
  // Counts the search of one value in another.
  void spend_search(const JinjaValue& in, const JinjaValue& of) const;

private:
  std::vector<std::map<std::string, JinjaValue>> frames_;
  mutable std::size_t left_; // bytes
};

// Immutable and shared: an expression is part of the ones around it, and a copy costs nothing.
class JinjaExpression {
public:
  template <typename Function>
  requires(!std::same_as<std::remove_cvref_t<Function>, JinjaExpression>)
      JinjaExpression(Function&& function)
      : function_(std::make_shared<const std::function<JinjaValue(const JinjaScope&)>>(
            std::forward<Function>(function))) {}

  JinjaValue operator()(const JinjaScope& scope) const {
    JinjaValue value = (*function_)(scope);
    scope.spend(value);
    return value;
  }

private:
  std::shared_ptr<const std::function<JinjaValue(const JinjaScope&)>> function_;
};

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

  // Reading is by recursion; so is computing, later.
  class Deeper;

  const std::vector<JinjaToken>& tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

} // namespace peakbench::llm
