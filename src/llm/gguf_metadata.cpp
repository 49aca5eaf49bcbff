// Metadata of a GGUF file by key and type.
#include <fmt/format.h>

#include <cstring>

#include "base/error.h"
#include "llm/gguf_file.h"

namespace peakbench::llm {

const GgufFile::Value* GgufFile::find(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

void GgufFile::wrong_type(const std::string& key, const Value& value, const char* wanted) const {
  fail(fmt::format("metadata '{}' is of type {}", key, name_of(value.type)),
       fmt::format("expected {}", wanted), value.offset);
}

double GgufFile::read_number(GgufType type, std::uint64_t offset) const {
  const std::uint64_t bits = read_unsigned(offset, size_of(type));
  const auto as = [&](auto value) {
    std::memcpy(&value, &bits, sizeof value);
    return static_cast<double>(value);
  };
  switch (type) {
  case GgufType::int8:
    return as(std::int8_t{});
  case GgufType::int16:
    return as(std::int16_t{});
  case GgufType::int32:
    return as(std::int32_t{});
  case GgufType::int64:
    return as(std::int64_t{});
  case GgufType::float32:
    return as(float{});
  case GgufType::float64:
    return as(double{});
  default:
    return static_cast<double>(bits);
  }
}

std::optional<std::int64_t> GgufFile::integer(const std::string& key) const {
  const Value* value = find(key);
  if (!value)
    return std::nullopt;
  if (!is_integer(value->type))
    wrong_type(key, *value, "an integer");
  const double number = read_number(value->type, value->offset);
  // Exact up to 2^53: no size in a model file is larger.
  if (number < -9e15 || number > 9e15)
    fail(fmt::format("metadata '{}' is {}", key, number), "out of range", value->offset);
  return static_cast<std::int64_t>(number);
}

std::optional<double> GgufFile::number(const std::string& key) const {
  const Value* value = find(key);
  if (!value)
    return std::nullopt;
  if (!size_of(value->type) || value->type == GgufType::boolean)
    wrong_type(key, *value, "a number");
  return read_number(value->type, value->offset);
}

std::optional<bool> GgufFile::boolean(const std::string& key) const {
  const Value* value = find(key);
  if (!value)
    return std::nullopt;
  if (value->type != GgufType::boolean)
    wrong_type(key, *value, "bool");
  return read_unsigned(value->offset, 1) != 0;
}

std::optional<std::string_view> GgufFile::text(const std::string& key) const {
  const Value* value = find(key);
  if (!value)
    return std::nullopt;
  if (value->type != GgufType::string)
    wrong_type(key, *value, "a string");
  std::uint64_t offset = value->offset;
  return read_string(offset);
}

std::optional<std::vector<std::string_view>> GgufFile::texts(const std::string& key) const {
  const Value* value = find(key);
  if (!value)
    return std::nullopt;
  if (value->type != GgufType::array || value->element != GgufType::string)
    wrong_type(key, *value, "an array of strings");
  std::vector<std::string_view> strings;
  strings.reserve(value->count);
  std::uint64_t offset = value->offset;
  for (std::uint64_t i = 0; i < value->count; ++i)
    strings.push_back(read_string(offset));
  return strings;
}

std::optional<std::vector<double>> GgufFile::numbers(const std::string& key) const {
  const Value* value = find(key);
  if (!value)
    return std::nullopt;
  if (value->type != GgufType::array || !size_of(value->element))
    wrong_type(key, *value, "an array of numbers");
  std::vector<double> all;
  all.reserve(value->count);
  for (std::uint64_t i = 0; i < value->count; ++i)
    all.push_back(read_number(value->element, value->offset + i * size_of(value->element)));
  return all;
}

std::int64_t GgufFile::needed_integer(const std::string& key) const {
  if (const auto value = integer(key))
    return *value;
  throw UserError(fmt::format("'{}': metadata '{}' is missing", path(), key));
}

std::string_view GgufFile::needed_text(const std::string& key) const {
  if (const auto value = text(key))
    return *value;
  throw UserError(fmt::format("'{}': metadata '{}' is missing", path(), key));
}

} // namespace peakbench::llm
