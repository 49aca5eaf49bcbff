// JSON files of a model folder: every wrong type is a UserError that names file and key.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peakbench::llm {

class JsonFile {
public:
  using Json = nlohmann::json;

  // UserError with the byte where the text stops being JSON, or if it is not an object.
  explicit JsonFile(const std::string& path);
  JsonFile(const std::string& name, std::string_view text);
  // Nothing if the file does not exist.
  static std::optional<JsonFile> if_there(const std::string& path);

  const std::string& path() const { return path_; }
  const Json& root() const { return root_; }

  // Values of an object's key; empty if missing or null, UserError if of another type.
  const Json* find(const Json& object, const char* key) const;
  std::optional<std::int64_t> integer(const Json& object, const char* key) const;
  std::optional<double> number(const Json& object, const char* key) const;
  std::optional<bool> boolean(const Json& object, const char* key) const;
  std::optional<std::string> text(const Json& object, const char* key) const;
  // One integer or a list of them.
  std::vector<std::int64_t> integers(const Json& object, const char* key) const;
  std::int64_t needed_integer(const Json& object, const char* key) const;

  // A value for messages: a list or an object by its type, which also spares its printer's
  // recursion.
  static std::string shown(const Json& value);
  [[noreturn]] void fail(const std::string& problem, const std::string& why = "") const;

private:
  void parse(std::string_view text);

  std::string path_;
  Json root_;
};

} // namespace peakbench::llm
