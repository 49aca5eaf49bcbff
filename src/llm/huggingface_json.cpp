#include "llm/huggingface_json.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "llm/mapped_file.h"

namespace peakbench::llm {

namespace {
constexpr std::size_t kLongestQuote = 200;
}

JsonFile::JsonFile(const std::string& path) : path_(path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  parse({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

JsonFile::JsonFile(const std::string& name, std::string_view text) : path_(name) { parse(text); }

std::optional<JsonFile> JsonFile::if_there(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return std::nullopt;
  return JsonFile(path);
}

void JsonFile::parse(std::string_view text) {
  try {
    root_ = Json::parse(text);
  } catch (const Json::exception& error) {
    // It quotes what it read last, however long that is.
    fail("not valid JSON", std::string(error.what()).substr(0, kLongestQuote));
  }
  if (!root_.is_object())
    fail("not a JSON object");
}

std::string JsonFile::shown(const Json& value) {
  if (value.is_structured())
    return fmt::format("an {}", value.type_name());
  const std::string text = value.dump();
  return text.size() <= kLongestQuote ? text : text.substr(0, kLongestQuote) + "...";
}

void JsonFile::fail(const std::string& problem, const std::string& why) const {
  throw UserError(fmt::format("'{}': {}", path_, problem), why, "");
}

const JsonFile::Json* JsonFile::find(const Json& object, const char* key) const {
  if (!object.is_object())
    return nullptr;
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::int64_t> JsonFile::integer(const Json& object, const char* key) const {
  const Json* value = find(object, key);
  if (!value)
    return std::nullopt;
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() || value->get<std::uint64_t>() <= INT64_MAX);
  if (!fits)
    fail(fmt::format("'{}' is {}", key, shown(*value)), "expected an integer");
  return value->get<std::int64_t>();
}

std::optional<double> JsonFile::number(const Json& object, const char* key) const {
  const Json* value = find(object, key);
  if (!value)
    return std::nullopt;
  if (!value->is_number())
    fail(fmt::format("'{}' is of type {}", key, value->type_name()), "expected a number");
  return value->get<double>();
}

std::optional<bool> JsonFile::boolean(const Json& object, const char* key) const {
  const Json* value = find(object, key);
  if (!value)
    return std::nullopt;
  if (!value->is_boolean())
    fail(fmt::format("'{}' is of type {}", key, value->type_name()), "expected true or false");
  return value->get<bool>();
}

std::optional<std::string> JsonFile::text(const Json& object, const char* key) const {
  const Json* value = find(object, key);
  if (!value)
    return std::nullopt;
  if (!value->is_string())
    fail(fmt::format("'{}' is of type {}", key, value->type_name()), "expected a string");
  return value->get<std::string>();
}

std::vector<std::int64_t> JsonFile::integers(const Json& object, const char* key) const {
  const Json* value = find(object, key);
  if (!value)
    return {};
  if (!value->is_array())
    return {*integer(object, key)};
  std::vector<std::int64_t> all;
  for (const Json& item : *value) {
    if (!item.is_number_integer())
      fail(fmt::format("'{}' is a list with a {}", key, item.type_name()), "expected integers");
    all.push_back(item.get<std::int64_t>());
  }
  return all;
}

std::int64_t JsonFile::needed_integer(const Json& object, const char* key) const {
  if (const auto value = integer(object, key))
    return *value;
  fail(fmt::format("'{}' is missing", key));
}

} // namespace peakbench::llm
