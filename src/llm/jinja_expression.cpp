#include "llm/jinja_expression.h"

#include <array>
#include <optional>

namespace peakbench::llm {

namespace {

std::vector<JinjaValue> evaluated(const std::vector<JinjaExpression>& expressions,
                                  const JinjaScope& scope) {
  std::vector<JinjaValue> values;
  for (const JinjaExpression& expression : expressions)
    values.push_back(expression(scope));
  return values;
}

JinjaExpression constant(JinjaValue value) {
  return [value = std::move(value)](const JinjaScope&) { return value; };
}

constexpr int kDeepest = 300; // three for each bracket

// Calls a filter, test or method, which may look for its arguments in the value.
auto with_arguments(auto function, const std::string& name, const JinjaValue& value,
                    const std::vector<JinjaExpression>& given, const JinjaScope& scope) {
  const std::vector<JinjaValue> arguments = evaluated(given, scope);
  for (const JinjaValue& argument : arguments)
    scope.spend_search(value, argument);
  return function(name, value, arguments);
}

} // namespace

class JinjaReader::Deeper {
public:
  explicit Deeper(JinjaReader& reader) : reader_(reader) {
    if (++reader_.depth_ > kDeepest)
      reader_.fail("the expression is nested too deeply");
  }
  ~Deeper() { --reader_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

private:
  JinjaReader& reader_;
};

bool JinjaReader::is_symbol(const char* symbol) const {
  return peek().kind == JinjaToken::Kind::symbol && peek().text == symbol;
}
bool JinjaReader::is_word(const char* word) const {
  return peek().kind == JinjaToken::Kind::name && peek().text == word;
}
bool JinjaReader::take_symbol(const char* symbol) {
  const bool found = is_symbol(symbol);
  if (found)
    take();
  return found;
}
bool JinjaReader::take_word(const char* word) {
  const bool found = is_word(word);
  if (found)
    take();
  return found;
}
void JinjaReader::need_symbol(const char* symbol) {
  if (!take_symbol(symbol))
    fail(std::string("expected '") + symbol + "'");
}
void JinjaReader::need_word(const char* word) {
  if (!take_word(word))
    fail(std::string("expected '") + word + "'");
}
void JinjaReader::need_end() {
  if (!at_end())
    fail("this is not supported");
}
std::string JinjaReader::need_name() {
  if (peek().kind != JinjaToken::Kind::name)
    fail("expected a name");
  return take().text;
}
void JinjaReader::fail(const std::string& problem) const {
  const std::string found = at_end() ? "the end of the tag" : "'" + peek().text + "'";
  throw JinjaError(peek().line, problem + " at " + found);
}

JinjaExpression JinjaReader::expression() {
  const Deeper deeper(*this);
  JinjaExpression value = either();
  while (take_word("if")) {
    JinjaExpression condition = either();
    std::optional<JinjaExpression> otherwise;
    if (take_word("else"))
      otherwise = expression();
    value = [value, condition, otherwise](const JinjaScope& scope) {
      if (is_true(condition(scope)))
        return value(scope);
      return otherwise ? (*otherwise)(scope) : jinja_undefined();
    };
  }
  return value;
}

JinjaExpression JinjaReader::either() {
  JinjaExpression left = both();
  while (take_word("or"))
    left = [left, right = both()](const JinjaScope& scope) {
      const JinjaValue value = left(scope);
      return is_true(value) ? value : right(scope);
    };
  return left;
}

JinjaExpression JinjaReader::both() {
  JinjaExpression left = negation();
  while (take_word("and"))
    left = [left, right = negation()](const JinjaScope& scope) {
      const JinjaValue value = left(scope);
      return is_true(value) ? right(scope) : value;
    };
  return left;
}

JinjaExpression JinjaReader::negation() {
  const Deeper deeper(*this);
  if (!take_word("not"))
    return comparison();
  return
      [value = negation()](const JinjaScope& scope) { return JinjaValue(!is_true(value(scope))); };
}

JinjaExpression JinjaReader::comparison() {
  JinjaExpression left = binary(0);
  for (;;) {
    std::string operation;
    bool negated = false;
    for (const char* symbol : {"==", "!=", "<=", ">=", "<", ">"})
      if (operation.empty() && take_symbol(symbol))
        operation = symbol;
    if (operation.empty() && is_word("not")) {
      take();
      need_word("in");
      operation = "in";
      negated = true;
    } else if (operation.empty() && take_word("in")) {
      operation = "in";
    }
    if (operation.empty())
      return left;
    left = [left, operation, negated, right = binary(0)](const JinjaScope& scope) {
      const JinjaValue in = left(scope), of = right(scope);
      scope.spend_search(in, of);
      const JinjaValue result = combine(operation, in, of);
      return negated ? JinjaValue(!is_true(result)) : result;
    };
  }
}

// The operators from the loosest to the tightest.
JinjaExpression JinjaReader::binary(std::size_t level) {
  static const std::array<std::vector<const char*>, 3> operators{
      {{"+", "-"}, {"~"}, {"*", "/", "//", "%"}}};
  if (level == operators.size())
    return signed_value();
  JinjaExpression left = binary(level + 1);
  for (;;) {
    std::string operation;
    for (const char* symbol : operators[level])
      if (operation.empty() && take_symbol(symbol))
        operation = symbol;
    if (operation.empty())
      return left;
    left = [left, operation, right = binary(level + 1)](const JinjaScope& scope) {
      return combine(operation, left(scope), right(scope));
    };
  }
}

JinjaExpression JinjaReader::signed_value() {
  const Deeper deeper(*this);
  if (take_symbol("-"))
    return [value = signed_value()](const JinjaScope& scope) {
      return combine("-", JinjaValue(0), value(scope));
    };
  take_symbol("+");
  return with_suffixes(value());
}

JinjaExpression JinjaReader::value() {
  switch (peek().kind) {
  case JinjaToken::Kind::string: {
    std::string text;
    while (peek().kind == JinjaToken::Kind::string)
      text += take().text;
    return constant(text);
  }
  case JinjaToken::Kind::integer:
    return constant(std::stoll(take().text));
  case JinjaToken::Kind::number:
    return constant(std::stod(take().text));
  case JinjaToken::Kind::name:
    return name_or_call();
  default:
    break;
  }
  if (take_symbol("["))
    return list("]");
  if (take_symbol("{"))
    return dictionary();
  if (!take_symbol("("))
    fail("expected a value");
  if (is_symbol(")"))
    return list(")");
  JinjaExpression inside = expression();
  if (!take_symbol(",")) {
    need_symbol(")");
    return inside;
  }
  return [inside, rest = list(")")](const JinjaScope& scope) {
    JinjaValue all = JinjaValue::array({inside(scope)});
    return combine("+", all, rest(scope));
  };
}

JinjaExpression JinjaReader::list(const char* close) {
  std::vector<JinjaExpression> elements;
  while (!take_symbol(close)) {
    elements.push_back(expression());
    if (!is_symbol(close))
      need_symbol(",");
  }
  return [elements](const JinjaScope& scope) { return JinjaValue(evaluated(elements, scope)); };
}

JinjaExpression JinjaReader::dictionary() {
  std::vector<JinjaExpression> keys, values;
  while (!take_symbol("}")) {
    keys.push_back(expression());
    need_symbol(":");
    values.push_back(expression());
    if (!is_symbol("}"))
      need_symbol(",");
  }
  return [keys, values](const JinjaScope& scope) {
    JinjaValue all = JinjaValue::object();
    for (std::size_t i = 0; i < keys.size(); ++i)
      all[printed(keys[i](scope))] = values[i](scope);
    return all;
  };
}

JinjaExpression JinjaReader::name_or_call() {
  const std::string name = take().text;
  if (name == "true" || name == "True")
    return constant(true);
  if (name == "false" || name == "False")
    return constant(false);
  if (name == "none" || name == "None")
    return constant(nullptr);
  if (!take_symbol("("))
    return [name](const JinjaScope& scope) { return scope.get(name); };
  if (name == "namespace") {
    std::vector<std::pair<std::string, JinjaExpression>> members;
    while (!take_symbol(")")) {
      std::string member = need_name();
      need_symbol("=");
      members.emplace_back(std::move(member), expression());
      if (!is_symbol(")"))
        need_symbol(",");
    }
    return [members](const JinjaScope& scope) {
      JinjaValue all = JinjaValue::object();
      for (const auto& [member, value] : members)
        all[member] = value(scope);
      return all;
    };
  }
  return [name, given = arguments()](const JinjaScope& scope) -> JinjaValue {
    const std::vector<JinjaValue> values = evaluated(given, scope);
    if (name == "raise_exception" && values.size() == 1)
      throw JinjaError("the template refuses: " + printed(values[0]));
    throw JinjaError("function '" + name + "' is not supported");
  };
}

// Behind the opening bracket.
std::vector<JinjaExpression> JinjaReader::arguments() {
  std::vector<JinjaExpression> all;
  while (!take_symbol(")")) {
    all.push_back(expression());
    // A name of an argument is left out: the order is Python's.
    if (take_symbol("="))
      all.back() = expression();
    if (!is_symbol(")"))
      need_symbol(",");
  }
  return all;
}

JinjaExpression JinjaReader::with_suffixes(JinjaExpression base) {
  for (;;) {
    if (take_symbol(".")) {
      const std::string name = need_name();
      if (take_symbol("("))
        base = [base, name, given = arguments()](const JinjaScope& scope) {
          return with_arguments(call_method, name, base(scope), given, scope);
        };
      else
        base = [base, name](const JinjaScope& scope) { return item_of(base(scope), name); };
    } else if (take_symbol("[")) {
      base = with_item(base);
    } else if (take_symbol("|")) {
      const std::string name = need_name();
      std::vector<JinjaExpression> given;
      if (take_symbol("("))
        given = arguments();
      base = [base, name, given](const JinjaScope& scope) {
        return with_arguments(apply_filter, name, base(scope), given, scope);
      };
    } else if (take_word("is")) {
      base = with_test(base);
    } else {
      return base;
    }
  }
}

// Behind the opening bracket: an index or a slice.
JinjaExpression JinjaReader::with_item(JinjaExpression base) {
  std::array<JinjaExpression, 3> bounds{constant(nullptr), constant(nullptr), constant(nullptr)};
  std::size_t part = 0;
  while (!take_symbol("]")) {
    if (take_symbol(":")) {
      if (++part == bounds.size())
        fail("a slice has two colons at most");
      continue;
    }
    bounds[part] = expression();
    if (!is_symbol("]") && !is_symbol(":"))
      fail("expected ']'");
  }
  if (part == 0)
    return [base, key = bounds[0]](const JinjaScope& scope) {
      return item_of(base(scope), key(scope));
    };
  return [base, bounds](const JinjaScope& scope) {
    return slice_of(base(scope), bounds[0](scope), bounds[1](scope), bounds[2](scope));
  };
}

// Behind "is".
JinjaExpression JinjaReader::with_test(JinjaExpression base) {
  const bool negated = take_word("not");
  const std::string name = need_name();
  std::vector<JinjaExpression> given;
  if (take_symbol("("))
    given = arguments();
  return [base, name, given, negated](const JinjaScope& scope) {
    return JinjaValue(with_arguments(apply_test, name, base(scope), given, scope) != negated);
  };
}

} // namespace peakbench::llm
