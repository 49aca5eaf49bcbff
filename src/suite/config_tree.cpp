#include "suite/config_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <unordered_set>

#include "base/error.h"

namespace peakbench::suite {

namespace {

std::string place(const std::string& file, const YAML::Mark& mark) {
  return mark.is_null() ? file : fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
}

// An alias (`*name`) is a copy here: aliases of aliases could ask for any amount of memory, and one
// of a list around it for ever more.
constexpr int kDeepest = 100;
constexpr std::size_t kBytesPerValue = 100;

// What a text may become. Without aliases no value takes less than two bytes of it.
std::size_t most_bytes(const std::string& text) { return (1 << 20) + 200 * text.size(); }

// `fixed_place`: for --set, where lines and columns mean nothing. `left`: bytes that may still
// be taken.
Value convert(const YAML::Node& node, const std::string& file, bool fixed_place, std::size_t& left,
              int depth = 0) {
  Value value;
  value.where = fixed_place ? file : place(file, node.Mark());
  if (depth > kDeepest)
    throw UserError(value.where + ": nested too deeply",
                    fmt::format("at most {} levels, those of aliases included", kDeepest), "");
  const std::size_t bytes = kBytesPerValue + (node.IsScalar() ? node.Scalar().size() : 0);
  if (bytes > left)
    throw UserError(value.where + ": the text becomes far longer than it is",
                    "an alias (`*name`) stands for what it names, each time", "");
  left -= bytes;
  const auto converted = [&](const YAML::Node& part) {
    return convert(part, file, fixed_place, left, depth + 1);
  };
  switch (node.Type()) {
  case YAML::NodeType::Scalar:
    value.kind = Value::Kind::scalar;
    value.scalar = node.Scalar();
    value.quoted = node.Tag() == "!";
    break;
  case YAML::NodeType::Sequence:
    value.kind = Value::Kind::list;
    for (const YAML::Node& item : node)
      value.items.push_back(converted(item));
    break;
  case YAML::NodeType::Map: {
    value.kind = Value::Kind::map;
    std::unordered_set<std::string> keys;
    for (const auto& pair : node) {
      const YAML::Node &key = pair.first, &item = pair.second;
      const std::string where = fixed_place ? file : place(file, key.Mark());
      if (!key.IsScalar())
        throw UserError(where + ": a key must be a plain word");
      if (!keys.insert(key.Scalar()).second)
        throw UserError(fmt::format("{}: key `{}` is given twice", where, key.Scalar()),
                        "first at " + value.find(key.Scalar())->where, "remove one of them");
      value.entries.push_back({key.Scalar(), where, converted(item)});
    }
    break;
  }
  default:
    break;
  }
  return value;
}

YAML::Node load(const std::string& text, const std::string& file, bool fixed_place) {
  try {
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    throw UserError(fmt::format("{}: not valid YAML", fixed_place ? file : place(file, error.mark)),
                    error.msg, "");
  }
}

} // namespace

const Value* Value::find(const std::string& key) const {
  for (const Entry& entry : entries)
    if (entry.key == key)
      return &entry.value;
  return nullptr;
}

Value parse_yaml(const std::string& text, const std::string& file) {
  std::size_t left = most_bytes(text);
  return convert(load(text, file, false), file, false, left);
}

void apply_override(Value& root, const std::string& override_text) {
  const std::size_t equals = override_text.find('=');
  const std::string path = override_text.substr(0, equals);
  const std::string where = "--set " + path;
  if (equals == std::string::npos || path.empty() || path.front() == '.' || path.back() == '.')
    throw UserError(fmt::format("--set {}: not of the form a.b=value", override_text));
  if (std::count(path.begin(), path.end(), '.') > kDeepest)
    throw UserError(where + ": nested too deeply", fmt::format("at most {} levels", kDeepest), "");
  std::size_t left = most_bytes(override_text);
  Value value = convert(load(override_text.substr(equals + 1), where, true), where, true, left);
  Value* at = &root;
  for (std::size_t begin = 0;;) {
    const std::size_t dot = path.find('.', begin);
    const std::string key = path.substr(begin, dot - begin);
    if (at->kind == Value::Kind::null)
      at->kind = Value::Kind::map;
    if (at->kind != Value::Kind::map)
      throw UserError(fmt::format("{}: `{}` cannot be set", where, key),
                      "what is above it is not a map of keys", "");
    auto entry = std::find_if(at->entries.begin(), at->entries.end(),
                              [&](const auto& one) { return one.key == key; });
    if (dot == std::string::npos && value.kind == Value::Kind::null) {
      if (entry != at->entries.end())
        at->entries.erase(entry);
      return;
    }
    if (entry == at->entries.end()) {
      entry = at->entries.insert(entry, Entry{key, where, {}});
      entry->value.where = where;
    }
    at = &entry->value;
    if (dot == std::string::npos)
      break;
    begin = dot + 1;
  }
  *at = std::move(value);
}

} // namespace peakbench::suite
