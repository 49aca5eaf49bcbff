#include "llm/jinja_tokens.h"

#include <array>
#include <charconv>

namespace peakbench::llm {

namespace {

constexpr std::string_view kBlanks = " \t\n\r\v\f";
// Far above any published template: what is parsed by recursion must not run out of stack.
constexpr int kDeepest = 100;
constexpr std::size_t kMostTokens = 2000;

bool is_name(char c, bool first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (!first && c >= '0' && c <= '9');
}

void append_utf8(std::string& text, unsigned point) {
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += static_cast<char>(0xC0 | point >> 6);
    text += static_cast<char>(0x80 | (point & 63));
  } else {
    text += static_cast<char>(0xE0 | point >> 12);
    text += static_cast<char>(0x80 | (point >> 6 & 63));
    text += static_cast<char>(0x80 | (point & 63));
  }
}

class Cutter {
public:
  explicit Cutter(std::string_view text) : text_(text) {}

  std::vector<JinjaSegment> cut() {
    while (at_ < text_.size())
      next_segment();
    return std::move(segments_);
  }

private:
  void next_segment();
  void add_text(std::string_view text, char tag, char sign);
  std::vector<JinjaToken> read_tokens(std::string_view close);
  JinjaToken read_token();
  JinjaToken read_string();
  JinjaToken read_number();
  void skip(std::size_t count) {
    for (; count > 0; --count)
      line_ += text_[at_++] == '\n';
  }
  void end_tag(bool is_output, char sign);

  std::string_view text_;
  std::size_t at_ = 0, line_ = 1;
  bool at_line_start_ = true; // what was taken last ended a line
  bool strip_next_ = false;   // "-%}" before the text
  std::vector<JinjaSegment> segments_;
};

// Text before a tag ('{', '%' or '#', with the sign behind it; 0 at the end of the template).
void Cutter::add_text(std::string_view text, char tag, char sign) {
  if (strip_next_) {
    const std::size_t first = text.find_first_not_of(kBlanks);
    text.remove_prefix(first == std::string_view::npos ? text.size() : first);
  }
  if (sign == '-') {
    const std::size_t last = text.find_last_not_of(kBlanks);
    text = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
  } else if ((tag == '%' || tag == '#') && sign != '+') {
    // Blanks between the line's start and a block go, too.
    const std::size_t line_end = text.rfind('\n');
    const std::size_t first = line_end == std::string_view::npos ? 0 : line_end + 1;
    if ((first > 0 || at_line_start_) &&
        text.find_first_not_of(" \t", first) == std::string_view::npos)
      text = text.substr(0, first);
  }
  if (!text.empty())
    segments_.push_back({JinjaSegment::Kind::text, std::string(text), {}, line_});
  strip_next_ = false;
}

void Cutter::next_segment() {
  std::size_t open = at_;
  for (;; ++open) {
    open = text_.find('{', open);
    if (open == std::string_view::npos || open + 1 >= text_.size()) {
      add_text(text_.substr(at_), 0, 0);
      at_ = text_.size();
      return;
    }
    const char next = text_[open + 1];
    if (next == '{' || next == '%' || next == '#')
      break;
  }
  const char tag = text_[open + 1];
  char sign = open + 2 < text_.size() ? text_[open + 2] : '\0';
  if (sign != '-' && sign != '+')
    sign = '\0';
  add_text(text_.substr(at_, open - at_), tag, sign);
  skip(open + 2 + (sign != '\0') - at_);
  const std::size_t line = line_;
  if (tag == '#') {
    const std::size_t close = text_.find("#}", at_);
    if (close == std::string_view::npos)
      throw JinjaError(line, "a comment is not closed");
    skip(close - at_);
    const char before = text_[at_ - 1];
    skip(2);
    return end_tag(false, before);
  }
  const bool is_output = tag == '{';
  auto tokens = read_tokens(is_output ? "}}" : "%}");
  segments_.push_back({is_output ? JinjaSegment::Kind::output : JinjaSegment::Kind::statement, "",
                       std::move(tokens), line});
}

// Behind the closing bracket, whose sign came before it.
void Cutter::end_tag(bool is_output, char sign) {
  at_line_start_ = false;
  strip_next_ = sign == '-';
  if (!is_output && sign != '-' && sign != '+' && at_ < text_.size() && text_[at_] == '\n') {
    skip(1);
    at_line_start_ = true;
  }
}

std::vector<JinjaToken> Cutter::read_tokens(std::string_view close) {
  std::vector<JinjaToken> tokens;
  const std::size_t line = line_;
  int open = 0; // brackets: a dictionary's "}}" closes no expression
  for (;;) {
    while (at_ < text_.size() && kBlanks.find(text_[at_]) != std::string_view::npos)
      skip(1);
    if (at_ >= text_.size())
      throw JinjaError(line, "'" + std::string(close) + "' is missing");
    const std::string_view rest = text_.substr(at_);
    const char sign = rest[0] == '-' || rest[0] == '+' ? rest[0] : '\0';
    if (open == 0 && rest.substr(sign != '\0').starts_with(close)) {
      tokens.push_back({JinjaToken::Kind::end, "", line_});
      skip(2 + (sign != '\0'));
      end_tag(close == "}}", sign);
      return tokens;
    }
    tokens.push_back(read_token());
    const std::string& symbol = tokens.back().text;
    if (tokens.back().kind == JinjaToken::Kind::symbol) {
      open += symbol == "(" || symbol == "[" || symbol == "{";
      open -= symbol == ")" || symbol == "]" || symbol == "}";
    }
    if (open > kDeepest || tokens.size() > kMostTokens)
      throw JinjaError(line, "the expression is too large");
  }
}

JinjaToken Cutter::read_token() {
  const char c = text_[at_];
  if (c == '\'' || c == '"')
    return read_string();
  if (c >= '0' && c <= '9')
    return read_number();
  JinjaToken token{JinjaToken::Kind::name, "", line_};
  if (is_name(c, true)) {
    while (at_ < text_.size() && is_name(text_[at_], false)) {
      token.text += text_[at_];
      skip(1);
    }
    return token;
  }
  token.kind = JinjaToken::Kind::symbol;
  constexpr std::array<std::string_view, 6> doubles{"==", "!=", "<=", ">=", "//", "**"};
  for (std::string_view symbol : doubles)
    if (text_.substr(at_).starts_with(symbol)) {
      token.text = symbol;
      skip(2);
      return token;
    }
  if (std::string_view("()[]{}.,:|=<>+-*/%~").find(c) == std::string_view::npos)
    throw JinjaError(line_, std::string("'") + c + "' is not expected here");
  token.text = c;
  skip(1);
  return token;
}

JinjaToken Cutter::read_number() {
  JinjaToken token{JinjaToken::Kind::integer, "", line_};
  const auto digits = [&] {
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      token.text += text_[at_];
      skip(1);
    }
  };
  digits();
  if (at_ + 1 < text_.size() && text_[at_] == '.' && text_[at_ + 1] >= '0' &&
      text_[at_ + 1] <= '9') {
    token.kind = JinjaToken::Kind::number;
    token.text += '.';
    skip(1);
    digits();
  }
  return token;
}

JinjaToken Cutter::read_string() {
  JinjaToken token{JinjaToken::Kind::string, "", line_};
  const char quote = text_[at_];
  skip(1);
  while (at_ < text_.size() && text_[at_] != quote) {
    if (text_[at_] != '\\' || at_ + 1 >= text_.size()) {
      token.text += text_[at_];
      skip(1);
      continue;
    }
    const char escaped = text_[at_ + 1];
    skip(2);
    constexpr std::string_view letters = "ntrvfab\\'\"\n", meanings = "\n\t\r\v\f\a\b\\'\"";
    if (const std::size_t found = letters.find(escaped); found < meanings.size()) {
      token.text += meanings[found];
    } else if (escaped == 'x' || escaped == 'u') {
      const std::size_t length = escaped == 'x' ? 2 : 4;
      unsigned point = 0;
      const std::string_view hex = text_.substr(at_, length);
      const auto parsed = std::from_chars(hex.data(), hex.data() + hex.size(), point, 16);
      if (hex.size() < length || parsed.ptr != hex.data() + length)
        throw JinjaError(line_, "a malformed escape in a string");
      append_utf8(token.text, point);
      skip(length);
    } else if (escaped != '\n') { // which joins two lines; others keep their backslash
      token.text += '\\';
      token.text += escaped;
    }
  }
  if (at_ >= text_.size())
    throw JinjaError(token.line, "a string is not closed");
  skip(1);
  return token;
}

} // namespace

std::vector<JinjaSegment> cut_jinja(std::string_view text) {
  std::string source; // line ends as in Unix, the last one left out
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r')
      source += text[i];
    else if (i + 1 == text.size() || text[i + 1] != '\n')
      source += '\n';
  if (source.ends_with('\n'))
    source.pop_back();
  return Cutter(source).cut();
}

} // namespace peakbench::llm
