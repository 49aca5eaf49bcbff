// Filters, tests and methods that chat templates use.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "llm/jinja_tokens.h"
#include "llm/jinja_value.h"
#include "llm/tokenizer_utf8.h"

namespace peakbench::llm {

namespace {

using Arguments = std::vector<JinjaValue>;

std::string text_of(const JinjaValue& value) {
  if (!value.is_string())
    throw JinjaError("a text is expected, not " + printed(value));
  return value.get<std::string>();
}

// The text in argument `i`, or `otherwise`.
std::string argument(const Arguments& arguments, std::size_t i, const std::string& otherwise) {
  return i < arguments.size() ? text_of(arguments[i]) : otherwise;
}

std::string strip(std::string text, const Arguments& arguments, bool left, bool right) {
  if (!arguments.empty() && !arguments[0].is_null()) {
    const std::string set = text_of(arguments[0]);
    if (right)
      text.erase(text.find_last_not_of(set) + 1);
    if (left)
      text.erase(0, text.find_first_not_of(set));
    return text;
  }
  if (right)
    text.erase(text.size() - trailing_blanks(text));
  if (left)
    text.erase(0, leading_blanks(text));
  return text;
}

std::string with_case(std::string text, char first, char last) {
  for (char& c : text)
    if (c >= first && c <= last)
      c = static_cast<char>(c ^ 0x20);
  return text;
}

// The first letter of the text, or of every word, in upper case and the others in lower.
std::string capitals(std::string text, bool every_word) {
  text = with_case(std::move(text), 'A', 'Z');
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool letter = text[i] >= 'a' && text[i] <= 'z';
    if (letter && (every_word ? !inside : i == 0))
      text[i] = static_cast<char>(text[i] ^ 0x20);
    inside = letter;
  }
  return text;
}

std::string replaced(const std::string& text, const std::string& old, const std::string& fresh) {
  if (old.empty())
    throw JinjaError("replacing nothing is not supported");
  std::string result;
  std::size_t at = 0;
  for (std::size_t found = text.find(old); found != std::string::npos; found = text.find(old, at)) {
    if (result.size() + fresh.size() > kLargestText)
      throw JinjaError("a text is too long");
    result += text.substr(at, found - at) + fresh;
    at = found + old.size();
  }
  return result + text.substr(at);
}

JinjaValue split(const std::string& text, const Arguments& arguments) {
  if (arguments.size() != 1)
    throw JinjaError("'split' is supported with one separator");
  const std::string separator = text_of(arguments[0]);
  if (separator.empty())
    throw JinjaError("an empty separator");
  JinjaValue parts = JinjaValue::array();
  std::size_t at = 0;
  for (std::size_t found = text.find(separator); found != std::string::npos;
       found = text.find(separator, at)) {
    parts.push_back(text.substr(at, found - at));
    at = found + separator.size();
  }
  parts.push_back(text.substr(at));
  return parts;
}

std::string joined(const JinjaValue& value, const std::string& separator) {
  std::string text;
  for (const JinjaValue& element : elements_of(value)) {
    if (text.size() + separator.size() > kLargestText)
      throw JinjaError("a text is too long");
    text += (text.empty() ? "" : separator) + printed(element);
  }
  return text;
}

JinjaValue pairs_of(const JinjaValue& value) {
  JinjaValue pairs = JinjaValue::array();
  for (const auto& [key, entry] : value.items())
    pairs.push_back(JinjaValue::array({key, entry}));
  return pairs;
}

// The elements whose attribute passes a test (the attribute's truth where none is named), or does
// not.
JinjaValue selected(const JinjaValue& value, const Arguments& arguments, bool wanted) {
  if (arguments.empty())
    throw JinjaError("an attribute is expected");
  JinjaValue passed = JinjaValue::array();
  for (const JinjaValue& element : elements_of(value)) {
    const JinjaValue attribute = item_of(element, arguments[0]);
    const bool passes = arguments.size() < 2 ? is_true(attribute)
                                             : apply_test(text_of(arguments[1]), attribute,
                                                          {arguments.begin() + 2, arguments.end()});
    if (passes == wanted)
      passed.push_back(element);
  }
  return passed;
}

using Function = std::function<JinjaValue(const JinjaValue&, const Arguments&)>;

const std::map<std::string, Function>& filters() {
  static const std::map<std::string, Function> all{
      {"trim",
       [](const JinjaValue& v, const Arguments& a) { return strip(printed(v), a, true, true); }},
      {"length", [](const JinjaValue& v, const Arguments&) { return length_of(v); }},
      {"count", [](const JinjaValue& v, const Arguments&) { return length_of(v); }},
      {"upper",
       [](const JinjaValue& v, const Arguments&) { return with_case(printed(v), 'a', 'z'); }},
      {"lower",
       [](const JinjaValue& v, const Arguments&) { return with_case(printed(v), 'A', 'Z'); }},
      {"capitalize",
       [](const JinjaValue& v, const Arguments&) { return capitals(printed(v), false); }},
      {"title", [](const JinjaValue& v, const Arguments&) { return capitals(printed(v), true); }},
      {"string", [](const JinjaValue& v, const Arguments&) { return printed(v); }},
      {"selectattr", [](const JinjaValue& v, const Arguments& a) { return selected(v, a, true); }},
      {"rejectattr", [](const JinjaValue& v, const Arguments& a) { return selected(v, a, false); }},
      {"safe", [](const JinjaValue& v, const Arguments&) { return v; }},
      {"list", [](const JinjaValue& v, const Arguments&) { return JinjaValue(elements_of(v)); }},
      {"first", [](const JinjaValue& v, const Arguments&) { return item_of(v, 0); }},
      {"last", [](const JinjaValue& v, const Arguments&) { return item_of(v, -1); }},
      {"join",
       [](const JinjaValue& v, const Arguments& a) { return joined(v, argument(a, 0, "")); }},
      {"replace",
       [](const JinjaValue& v, const Arguments& a) {
         return replaced(printed(v), argument(a, 0, ""), argument(a, 1, ""));
       }},
      {"default",
       [](const JinjaValue& v, const Arguments& a) {
         const bool also_false = a.size() > 1 && is_true(a[1]);
         const bool missing = v.is_discarded() || (also_false && !is_true(v));
         return !missing ? v : a.empty() ? JinjaValue("") : a[0];
       }},
  };
  return all;
}

const std::map<std::string, Function>& methods() {
  static const std::map<std::string, Function> all{
      {"strip",
       [](const JinjaValue& v, const Arguments& a) { return strip(text_of(v), a, true, true); }},
      {"lstrip",
       [](const JinjaValue& v, const Arguments& a) { return strip(text_of(v), a, true, false); }},
      {"rstrip",
       [](const JinjaValue& v, const Arguments& a) { return strip(text_of(v), a, false, true); }},
      {"split", [](const JinjaValue& v, const Arguments& a) { return split(text_of(v), a); }},
      {"upper",
       [](const JinjaValue& v, const Arguments&) { return with_case(text_of(v), 'a', 'z'); }},
      {"lower",
       [](const JinjaValue& v, const Arguments&) { return with_case(text_of(v), 'A', 'Z'); }},
      {"title", [](const JinjaValue& v, const Arguments&) { return capitals(text_of(v), true); }},
      {"startswith", [](const JinjaValue& v,
                        const Arguments& a) { return text_of(v).starts_with(argument(a, 0, "")); }},
      {"endswith", [](const JinjaValue& v,
                      const Arguments& a) { return text_of(v).ends_with(argument(a, 0, "")); }},
      {"replace",
       [](const JinjaValue& v, const Arguments& a) {
         return replaced(text_of(v), argument(a, 0, ""), argument(a, 1, ""));
       }},
      {"get",
       [](const JinjaValue& v, const Arguments& a) {
         const JinjaValue found = item_of(v, a.empty() ? JinjaValue() : a[0]);
         return !found.is_discarded() ? found : a.size() > 1 ? a[1] : JinjaValue();
       }},
      {"items", [](const JinjaValue& v, const Arguments&) { return pairs_of(v); }},
      {"keys", [](const JinjaValue& v, const Arguments&) { return JinjaValue(elements_of(v)); }},
  };
  return all;
}

using Test = std::function<bool(const JinjaValue&)>;

const std::map<std::string, Test>& tests() {
  static const std::map<std::string, Test> all{
      {"defined", [](const JinjaValue& v) { return !v.is_discarded(); }},
      {"undefined", [](const JinjaValue& v) { return v.is_discarded(); }},
      {"none", [](const JinjaValue& v) { return v.is_null(); }},
      {"string", [](const JinjaValue& v) { return v.is_string(); }},
      {"mapping", [](const JinjaValue& v) { return v.is_object(); }},
      {"number", [](const JinjaValue& v) { return v.is_number() || v.is_boolean(); }},
      {"integer", [](const JinjaValue& v) { return v.is_number_integer(); }},
      {"boolean", [](const JinjaValue& v) { return v.is_boolean(); }},
      {"true", [](const JinjaValue& v) { return v == JinjaValue(true); }},
      {"false", [](const JinjaValue& v) { return v == JinjaValue(false); }},
      {"iterable", [](const JinjaValue& v) { return v.is_structured() || v.is_string(); }},
      {"sequence", [](const JinjaValue& v) { return v.is_structured() || v.is_string(); }},
      {"odd",
       [](const JinjaValue& v) { return v.is_number_integer() && v.get<std::int64_t>() % 2 != 0; }},
      {"even",
       [](const JinjaValue& v) { return v.is_number_integer() && v.get<std::int64_t>() % 2 == 0; }},
  };
  return all;
}

template <typename Map>
const auto& look_up(const Map& map, const char* kind, const std::string& name) {
  const auto found = map.find(name);
  if (found != map.end())
    return found->second;
  std::string names;
  for (const auto& [known, function] : map)
    names += (names.empty() ? "" : ", ") + known;
  throw JinjaError(fmt::format("{} '{}' is not supported; supported: {}", kind, name, names));
}

} // namespace

JinjaValue apply_filter(const std::string& name, const JinjaValue& value,
                        const std::vector<JinjaValue>& arguments) {
  return look_up(filters(), "filter", name)(value, arguments);
}

bool apply_test(const std::string& name, const JinjaValue& value,
                const std::vector<JinjaValue>& arguments) {
  if (name == "equalto" || name == "eq" || name == "in") {
    if (arguments.size() != 1)
      throw JinjaError("test '" + name + "' takes one value");
    return is_true(combine(name == "in" ? "in" : "==", value, arguments[0]));
  }
  return look_up(tests(), "test", name)(value);
}

JinjaValue call_method(const std::string& name, const JinjaValue& value,
                       const std::vector<JinjaValue>& arguments) {
  return look_up(methods(), "method", name)(value, arguments);
}

} // namespace peakbench::llm
