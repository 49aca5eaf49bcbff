// YAML as plain values that know where they came from, so that every later error can say so.
#pragma once

#include <string>
#include <vector>

namespace peakbench::suite {

struct Entry;
struct Value {
  enum class Kind { null, scalar, list, map };
  Kind kind = Kind::null;
  std::string where;   // "file:line:column" or "--set a.b"
  std::string scalar;  // as written
  bool quoted = false; // then it is text, whatever it looks like
  std::vector<Value> items;
  std::vector<Entry> entries;

  const Value* find(const std::string& key) const;
};
struct Entry {
  std::string key, where;
  Value value;
};

// UserError for a syntax error or a key given twice in one map.
Value parse_yaml(const std::string& text, const std::string& file);
// "a.b=value": replaces or adds. `null` removes.
void apply_override(Value& root, const std::string& override_text);

} // namespace peakbench::suite
