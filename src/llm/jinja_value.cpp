#include "llm/jinja_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "llm/jinja_tokens.h"
#include "llm/tokenizer_utf8.h"

namespace peakbench::llm {

namespace {

const char* type_name(const JinjaValue& value) {
  return value.is_discarded() ? "undefined" : value.type_name();
}

// Calls use(character) for each character, and for each byte that is part of none.
void for_each_character(const std::string& text, auto use) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = std::max<std::size_t>(1, utf8_length(text, at));
    use(std::string_view(text).substr(at, bytes));
    at += bytes;
  }
}

std::size_t bytes_of(const JinjaValue& value, int depth) {
  constexpr int kDeepest = 100;
  if (depth > kDeepest)
    throw JinjaError("lists are nested too deeply");
  std::size_t bytes = sizeof value;
  if (value.is_string())
    bytes += value.get_ref<const std::string&>().size();
  else if (value.is_array())
    for (const JinjaValue& element : value)
      bytes += bytes_of(element, depth + 1);
  else if (value.is_object())
    for (const auto& [key, element] : value.items())
      bytes += key.size() + bytes_of(element, depth + 1);
  return bytes;
}

// The element that Python means by an index, or `count` if there is none.
std::size_t place_of(const JinjaValue& key, std::size_t count) {
  const auto index = key.get<std::int64_t>(), size = static_cast<std::int64_t>(count);
  if (index < -size || index >= size)
    return count;
  return static_cast<std::size_t>(index < 0 ? index + size : index);
}

// An integer of a slice; beyond the list on either side all are the same.
std::int64_t bounded(const JinjaValue& given, std::int64_t count) {
  if (!given.is_number_integer())
    throw JinjaError(fmt::format("a slice with a {}", type_name(given)));
  return std::clamp(given.get<std::int64_t>(), -count - 1, count + 1);
}

JinjaValue arithmetic(const std::string& operation, const JinjaValue& a, const JinjaValue& b) {
  if (a.is_number_float() || b.is_number_float() || operation == "/") {
    const double x = a.get<double>(), y = b.get<double>();
    if (operation == "+")
      return x + y;
    if (operation == "-")
      return x - y;
    if (operation == "*")
      return x * y;
    if (y != 0 && operation == "/")
      return x / y;
  } else {
    const auto x = a.get<std::int64_t>(), y = b.get<std::int64_t>();
    constexpr std::int64_t largest = 1 << 30; // nothing below overflows
    if (std::max(x, y) > largest || std::min(x, y) < -largest)
      throw JinjaError("a number is too large");
    if (operation == "+")
      return x + y;
    if (operation == "-")
      return x - y;
    if (operation == "*")
      return x * y;
    // Rounded down, as Python does.
    const bool below = y != 0 && x % y != 0 && (x < 0) != (y < 0);
    if (y != 0 && operation == "//")
      return x / y - below;
    if (y != 0 && operation == "%")
      return x % y + (below ? y : 0);
  }
  throw JinjaError(fmt::format("{} {} {} is not supported", printed(a), operation, printed(b)));
}

bool contains(const JinjaValue& value, const JinjaValue& element) {
  if (value.is_discarded())
    return false;
  if (value.is_string() && element.is_string())
    return value.get_ref<const std::string&>().find(element.get_ref<const std::string&>()) !=
           std::string::npos;
  if (value.is_object() && element.is_string())
    return value.contains(element.get<std::string>());
  if (value.is_array())
    return std::find(value.begin(), value.end(), element) != value.end();
  throw JinjaError(fmt::format("'in' a {} is not supported", type_name(value)));
}

} // namespace

std::size_t jinja_bytes(const JinjaValue& value) { return bytes_of(value, 0); }

bool is_true(const JinjaValue& value) {
  switch (value.type()) {
  case JinjaValue::value_t::boolean:
    return value.get<bool>();
  case JinjaValue::value_t::number_integer:
  case JinjaValue::value_t::number_unsigned:
  case JinjaValue::value_t::number_float:
    return value.get<double>() != 0;
  case JinjaValue::value_t::string:
    return !value.get_ref<const std::string&>().empty();
  case JinjaValue::value_t::array:
  case JinjaValue::value_t::object:
    return !value.empty();
  default:
    return false;
  }
}

std::string printed(const JinjaValue& value) {
  if (value.is_discarded())
    return "";
  if (value.is_string())
    return value.get<std::string>();
  if (value.is_boolean())
    return value.get<bool>() ? "True" : "False";
  if (value.is_null())
    return "None";
  if (value.is_number())
    return value.dump();
  throw JinjaError(fmt::format("printing a {} is not supported", type_name(value)));
}

JinjaValue item_of(const JinjaValue& value, const JinjaValue& key) {
  if (value.is_discarded())
    throw JinjaError("an item of something undefined");
  if (value.is_object() && key.is_string()) {
    const auto found = value.find(key.get<std::string>());
    return found == value.end() ? jinja_undefined() : *found;
  }
  if (!value.is_array() && !value.is_string())
    return jinja_undefined();
  if (!key.is_number_integer())
    return jinja_undefined();
  const std::size_t count = length_of(value), place = place_of(key, count);
  if (place == count)
    return jinja_undefined();
  if (value.is_array())
    return value[place];
  JinjaValue found;
  std::size_t at = 0;
  for_each_character(value.get_ref<const std::string&>(), [&](std::string_view character) {
    if (at++ == place)
      found = character;
  });
  return found;
}

std::size_t length_of(const JinjaValue& value) {
  if (!value.is_string())
    return value.is_structured() ? value.size() : elements_of(value).size();
  std::size_t count = 0;
  for_each_character(value.get_ref<const std::string&>(), [&](std::string_view) { ++count; });
  return count;
}

std::vector<JinjaValue> elements_of(const JinjaValue& value) {
  if (value.is_discarded())
    return {};
  if (value.is_array())
    return {value.begin(), value.end()};
  std::vector<JinjaValue> all;
  if (value.is_string())
    for_each_character(value.get_ref<const std::string&>(),
                       [&](std::string_view character) { all.emplace_back(character); });
  else if (value.is_object())
    for (const auto& [key, entry] : value.items())
      all.emplace_back(key);
  else
    throw JinjaError(fmt::format("a {} has no elements", type_name(value)));
  return all;
}

JinjaValue slice_of(const JinjaValue& value, const JinjaValue& first, const JinjaValue& last,
                    const JinjaValue& step) {
  if (!value.is_array() && !value.is_string())
    throw JinjaError(fmt::format("a part of a {} is not supported", type_name(value)));
  const std::vector<JinjaValue> all = elements_of(value);
  const auto count = static_cast<std::int64_t>(all.size());
  const std::int64_t stride = step.is_null() ? 1 : bounded(step, count);
  if (stride == 0)
    throw JinjaError("a slice with step 0");
  const auto bound = [&](const JinjaValue& given, std::int64_t otherwise) {
    if (given.is_null())
      return otherwise;
    const std::int64_t index = bounded(given, count);
    const std::int64_t low = stride > 0 ? 0 : -1;
    return std::clamp(index < 0 ? index + count : index, low, count + low);
  };
  const std::int64_t begin = bound(first, stride > 0 ? 0 : count - 1);
  const std::int64_t end = bound(last, stride > 0 ? count : -1);
  JinjaValue part = JinjaValue::array();
  for (std::int64_t i = begin; stride > 0 ? i < end : i > end; i += stride)
    part.push_back(all[static_cast<std::size_t>(i)]);
  if (!value.is_string())
    return part;
  std::string text;
  for (const JinjaValue& character : part)
    text += character.get<std::string>();
  return text;
}

JinjaValue combine(const std::string& operation, const JinjaValue& a, const JinjaValue& b) {
  if (operation == "~")
    return printed(a) + printed(b);
  if (operation == "in")
    return contains(b, a);
  const bool defined = !a.is_discarded() && !b.is_discarded();
  if (operation == "==")
    return defined ? a == b : a.is_discarded() == b.is_discarded();
  if (operation == "!=")
    return defined ? a != b : a.is_discarded() != b.is_discarded();
  const bool numbers = a.is_number() && b.is_number(), texts = a.is_string() && b.is_string();
  if (defined && (numbers || texts)) {
    if (operation == "<")
      return a < b;
    if (operation == "<=")
      return a <= b;
    if (operation == ">")
      return a > b;
    if (operation == ">=")
      return a >= b;
    if (numbers)
      return arithmetic(operation, a, b);
    if (operation == "+")
      return a.get<std::string>() + b.get<std::string>();
  }
  if (a.is_array() && b.is_array() && operation == "+") {
    JinjaValue all = a;
    all.insert(all.end(), b.begin(), b.end());
    return all;
  }
  throw JinjaError(fmt::format("{} {} {} is not supported", type_name(a), operation, type_name(b)));
}

} // namespace peakbench::llm
