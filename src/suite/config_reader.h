// Strict reading of one map: every key is asked for once, and whatever is left over is an error.
#pragma once

#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/closest.h"
#include "suite/config_tree.h"

namespace peakbench::suite {

struct IntegerRange {
  std::int64_t low = std::numeric_limits<std::int64_t>::min();
  std::int64_t high = std::numeric_limits<std::int64_t>::max();
};
struct RealRange {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool above = false; // low itself is not allowed
  bool below = false; // nor high
};

// A UserError about `value`: "where: problem (why) suggestion".
[[noreturn]] void refuse(const Value& value, const std::string& problem, const std::string& why);

class Section {
public:
  // `name`: for messages, "eab" or "" at the top. A null value is an empty map.
  Section(const Value& value, std::string name);

  // The value of a key, or null; marks the key as known.
  const Value* take(const std::string& key);
  bool has(const std::string& key) const { return value_.find(key) != nullptr; }

  // Each replaces `into` if the key is there. A plural takes a scalar or a list (an axis: not
  // empty, no value twice).
  void read(const std::string& key, std::string& into,
            std::span<const std::string_view> allowed = {});
  void read(const std::string& key, std::int64_t& into, IntegerRange range);
  void read(const std::string& key, int& into, IntegerRange range);
  void read(const std::string& key, double& into, RealRange range);
  void read(const std::string& key, std::vector<std::string>& into,
            std::span<const std::string_view> allowed = {});
  void read(const std::string& key, std::vector<std::int64_t>& into, IntegerRange range);
  void read(const std::string& key, std::vector<double>& into, RealRange range);
  // A list whose values may repeat: not an axis.
  void read_list(const std::string& key, std::vector<std::int64_t>& into, IntegerRange range);
  void read_texts(const std::string& key, std::vector<std::string>& into);

  // After everything was asked for: UserError for keys that nobody knows.
  void finish() const;
  std::string path_of(const std::string& key) const;

private:
  const Value& value_;
  std::string name_;
  std::set<std::string> known_;
};

} // namespace peakbench::suite
