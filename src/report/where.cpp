#include "report/where.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/error.h"
#include "results/fields.h"

namespace peakbench::report {

namespace {

static_assert(std::numeric_limits<long double>::digits >= 63);

struct Sign {
  std::string_view letters;
  Operation operation;
};
// Longer ones first. "==" is what programmers write.
constexpr std::array kSigns{Sign{"!=", Operation::unequal},
                            Sign{"!~", Operation::unlike},
                            Sign{"<=", Operation::less_or_equal},
                            Sign{">=", Operation::greater_or_equal},
                            Sign{"==", Operation::equal},
                            Sign{"=", Operation::equal},
                            Sign{"<", Operation::less},
                            Sign{">", Operation::greater},
                            Sign{"~", Operation::like}};

class Parser {
public:
  explicit Parser(const std::string& text) : text_(text) {}

  std::vector<Condition> all() {
    std::vector<Condition> conditions{one()};
    while (take(","))
      conditions.push_back(one());
    if (at_ != text_.size())
      refuse("\",\" or \"|\" or the end is expected");
    return conditions;
  }

private:
  Condition one() {
    Condition condition;
    skip_blanks();
    const std::size_t start = at_;
    while (at_ < text_.size() &&
           (std::isalnum(static_cast<unsigned char>(text_[at_])) || text_[at_] == '_'))
      ++at_;
    condition.column = text_.substr(start, at_ - start);
    if (condition.column.empty())
      refuse("the name of a column is expected");
    condition.operation = operation();
    skip_blanks();
    condition.place = fmt::format("--where \"{}\", character {}", text_, at_ + 1);
    const std::size_t values = at_;
    do
      condition.values.push_back(value());
    while (take("|"));
    const bool ordered = condition.operation >= Operation::less &&
                         condition.operation <= Operation::greater_or_equal;
    if (ordered && (condition.values.size() > 1 || condition.values.front().empty())) {
      at_ = values;
      refuse("one value is expected after < <= > >=");
    }
    return condition;
  }

  Operation operation() {
    skip_blanks();
    for (const Sign& sign : kSigns)
      if (take(sign.letters))
        return sign.operation;
    refuse("one of = != < <= > >= ~ !~ is expected");
  }

  std::string value() {
    skip_blanks();
    if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"'))
      return quoted();
    const std::size_t start = at_;
    at_ = std::min(text_.find_first_of(",|", at_), text_.size());
    const std::size_t last = text_.find_last_not_of(" \t", at_ - 1);
    return at_ > start && last != text_.npos && last >= start
               ? text_.substr(start, last + 1 - start)
               : "";
  }

  std::string quoted() {
    const std::size_t start = at_;
    const char quote = text_[at_++];
    std::string value;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] != quote) {
        value += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == quote) {
        value += text_[++at_];
      } else {
        ++at_;
        skip_blanks();
        return value;
      }
    }
    at_ = start;
    refuse("this quote has no end");
  }

  void skip_blanks() { at_ = std::min(text_.find_first_not_of(" \t", at_), text_.size()); }

  bool take(std::string_view letters) {
    if (text_.compare(at_, letters.size(), letters) != 0)
      return false;
    at_ += letters.size();
    return true;
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw UserError(fmt::format("--where \"{}\" cannot be read", text_),
                    fmt::format("character {}: {}", at_ + 1, why),
                    "An example: --where 'arm=cow|naive,wall_seconds>=0.5'");
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

template <class Number>
std::optional<Number> number_in(const std::string& text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data() + text.starts_with('+'), end, number);
  if (result.ec != std::errc() || result.ptr != end)
    return std::nullopt;
  return number;
}

template <class Value>
bool holds(Operation operation, const Value& value, const std::vector<Value>& values) {
  switch (operation) {
  case Operation::equal:
    return std::ranges::find(values, value) != values.end();
  case Operation::unequal:
    return std::ranges::find(values, value) == values.end();
  case Operation::less:
    return value < values.front();
  case Operation::less_or_equal:
    return value <= values.front();
  case Operation::greater:
    return value > values.front();
  case Operation::greater_or_equal:
    return value >= values.front();
  case Operation::like:
  case Operation::unlike:
    break;
  }
  return false;
}

} // namespace

std::vector<Condition> parse_where(const std::vector<std::string>& expressions) {
  std::vector<Condition> conditions;
  for (const std::string& expression : expressions)
    for (Condition& condition : Parser(expression).all())
      conditions.push_back(std::move(condition));
  return conditions;
}

Matcher::Matcher(const Condition& condition, bool is_text) : operation_(condition.operation) {
  for (const std::string& value : condition.values) {
    if (value.empty()) {
      or_absent_ = true;
    } else if (is_text || is_pattern()) {
      texts_.push_back(value);
    } else {
      const auto whole = number_in<std::int64_t>(value);
      const auto real = number_in<double>(value);
      if (!whole && (!real || std::isnan(*real)))
        throw UserError(fmt::format("{}: \"{}\" is no number", condition.place, value),
                        fmt::format("the column {} holds numbers", condition.column), "");
      numbers_.push_back(whole ? static_cast<long double>(*whole)
                               : static_cast<long double>(*real));
    }
  }
}

bool Matcher::operator()(std::int64_t value) const {
  if (value == results::kAbsent)
    return on_absent();
  return is_pattern() ? on_pattern(results::text_of(value))
                      : holds(operation_, static_cast<long double>(value), numbers_);
}

bool Matcher::operator()(double value) const {
  if (std::isnan(value))
    return on_absent();
  return is_pattern() ? on_pattern(results::text_of(value))
                      : holds(operation_, static_cast<long double>(value), numbers_);
}

bool Matcher::operator()(const std::string& value) const {
  if (value.empty())
    return on_absent();
  return is_pattern() ? on_pattern(value) : holds(operation_, value, texts_);
}

bool Matcher::is_pattern() const {
  return operation_ == Operation::like || operation_ == Operation::unlike;
}

bool Matcher::on_absent() const { return operation_ == Operation::equal && or_absent_; }

bool Matcher::on_pattern(const std::string& text) const {
  const bool found = std::ranges::any_of(texts_, [&](const std::string& pattern) {
    return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
  });
  return found == (operation_ == Operation::like);
}

} // namespace peakbench::report
