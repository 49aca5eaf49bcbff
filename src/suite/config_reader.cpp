#include "suite/config_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"

namespace peakbench::suite {

namespace {

std::string shown(const Value& value) {
  switch (value.kind) {
  case Value::Kind::scalar:
    return fmt::format("`{}`", value.scalar);
  case Value::Kind::list:
    return "a list";
  case Value::Kind::map:
    return "a map of keys";
  default:
    return "nothing";
  }
}

std::string allowed_text(IntegerRange range) {
  const bool low = range.low != IntegerRange{}.low, high = range.high != IntegerRange{}.high;
  if (low && high)
    return fmt::format("an integer from {} to {}", range.low, range.high);
  if (low)
    return fmt::format("an integer of at least {}", range.low);
  return "an integer";
}

std::string allowed_text(RealRange range) {
  const char* least = range.above ? "above" : "of at least";
  if (std::isfinite(range.low) && std::isfinite(range.high))
    return fmt::format("a number {} {} and {} {}", least, range.low,
                       range.below ? "below" : "at most", range.high);
  if (std::isfinite(range.low))
    return fmt::format("a number {} {}", least, range.low);
  return "a number";
}

std::string to_text(const Value& value, const std::string& name,
                    std::span<const std::string_view> allowed) {
  if (value.kind != Value::Kind::scalar)
    refuse(value, fmt::format("{} must be text, not {}", name, shown(value)), "");
  const bool fits = allowed.empty()
                        ? !value.scalar.empty()
                        : std::find(allowed.begin(), allowed.end(), value.scalar) != allowed.end();
  if (fits)
    return value.scalar;
  if (allowed.empty())
    refuse(value, name + " is empty", "");
  const std::vector<std::string> words(allowed.begin(), allowed.end());
  const std::string guess = closest(value.scalar, words);
  refuse(value, fmt::format("{} cannot be {}", name, shown(value)),
         fmt::format("allowed: {}{}", fmt::join(words, ", "),
                     guess.empty() ? "" : fmt::format("; did you mean `{}`?", guess)));
}

template <class Number, class Range>
Number to_number(const Value& value, const std::string& name, Range range) {
  Number number{};
  const char* end = value.scalar.data() + value.scalar.size();
  const char* begin = value.scalar.data();
  if (begin != end && *begin == '+')
    ++begin;
  const auto result = std::from_chars(begin, end, number);
  const bool is_number = value.kind == Value::Kind::scalar && !value.quoted &&
                         result.ec == std::errc() && result.ptr == end && begin != end;
  bool fits = is_number && number >= range.low && number <= range.high;
  if constexpr (std::is_same_v<Range, RealRange>)
    fits = fits && std::isfinite(number) && !(range.above && number == range.low) &&
           !(range.below && number == range.high);
  if (!fits)
    refuse(value, fmt::format("{} cannot be {}", name, shown(value)),
           "allowed: " + allowed_text(range));
  return number;
}

// A scalar or a list, each element read by `element`.
template <class T, class Element>
std::vector<T> to_axis(const Value& value, const std::string& name, bool repeats_allowed,
                       Element element) {
  if (value.kind != Value::Kind::list)
    return {element(value)};
  if (value.items.empty())
    refuse(value, name + " is an empty list", "give at least one value");
  std::vector<T> axis;
  std::set<T> known;
  for (const Value& item : value.items) {
    axis.push_back(element(item));
    if (!known.insert(axis.back()).second && !repeats_allowed)
      refuse(item, fmt::format("{} has {} twice", name, shown(item)),
             "an axis has each value once");
  }
  return axis;
}

} // namespace

void refuse(const Value& value, const std::string& problem, const std::string& why) {
  throw UserError(fmt::format("{}: {}", value.where, problem), why, "");
}

Section::Section(const Value& value, std::string name) : value_(value), name_(std::move(name)) {
  if (value.kind != Value::Kind::map && value.kind != Value::Kind::null)
    refuse(value,
           fmt::format("{} must be a map of keys, not {}",
                       name_.empty() ? "the configuration" : "`" + name_ + "`", shown(value)),
           "");
}

const Value* Section::take(const std::string& key) {
  known_.insert(key);
  return value_.find(key);
}

std::string Section::path_of(const std::string& key) const {
  return name_.empty() ? fmt::format("`{}`", key) : fmt::format("`{}.{}`", name_, key);
}

void Section::read(const std::string& key, std::string& into,
                   std::span<const std::string_view> allowed) {
  if (const Value* value = take(key))
    into = to_text(*value, path_of(key), allowed);
}

void Section::read(const std::string& key, std::int64_t& into, IntegerRange range) {
  if (const Value* value = take(key))
    into = to_number<std::int64_t>(*value, path_of(key), range);
}

void Section::read(const std::string& key, int& into, IntegerRange range) {
  std::int64_t wide = into;
  read(key, wide, range);
  into = static_cast<int>(wide);
}

void Section::read(const std::string& key, double& into, RealRange range) {
  if (const Value* value = take(key))
    into = to_number<double>(*value, path_of(key), range);
}

void Section::read(const std::string& key, std::vector<std::string>& into,
                   std::span<const std::string_view> allowed) {
  if (const Value* value = take(key))
    into = to_axis<std::string>(*value, path_of(key), false, [&](const Value& item) {
      return to_text(item, path_of(key), allowed);
    });
}

void Section::read(const std::string& key, std::vector<std::int64_t>& into, IntegerRange range) {
  if (const Value* value = take(key))
    into = to_axis<std::int64_t>(*value, path_of(key), false, [&](const Value& item) {
      return to_number<std::int64_t>(item, path_of(key), range);
    });
}

void Section::read(const std::string& key, std::vector<double>& into, RealRange range) {
  if (const Value* value = take(key))
    into = to_axis<double>(*value, path_of(key), false, [&](const Value& item) {
      return to_number<double>(item, path_of(key), range);
    });
}

void Section::read_list(const std::string& key, std::vector<std::int64_t>& into,
                        IntegerRange range) {
  if (const Value* value = take(key))
    into = to_axis<std::int64_t>(*value, path_of(key), true, [&](const Value& item) {
      return to_number<std::int64_t>(item, path_of(key), range);
    });
}

void Section::read_texts(const std::string& key, std::vector<std::string>& into) {
  if (const Value* value = take(key))
    into = to_axis<std::string>(*value, path_of(key), false,
                                [&](const Value& item) { return to_text(item, path_of(key), {}); });
}

void Section::finish() const {
  const std::vector<std::string> words(known_.begin(), known_.end());
  for (const Entry& entry : value_.entries) {
    if (known_.contains(entry.key))
      continue;
    const std::string guess = closest(entry.key, words);
    throw UserError(fmt::format("{}: unknown key {}", entry.where, path_of(entry.key)),
                    fmt::format("allowed: {}", fmt::join(words, ", ")),
                    guess.empty() ? "" : fmt::format("did you mean `{}`?", guess));
  }
}

} // namespace peakbench::suite
