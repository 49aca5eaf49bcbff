// What a user of the demo can set, on the command line (--max-paths 8) and in conversation
// (/max-paths 8), and the configuration that follows from it. Every value is checked by the
// configuration's own reader.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "suite/plan.h"

namespace peakbench::suite {

struct DemoSetting {
  std::string_view name;    // "max-paths"
  std::string_view key;     // "eab.max_paths"; empty: not a key of the configuration
  std::string_view initial; // value
  std::string_view meaning;
  bool changeable = true; // in conversation
};
std::span<const DemoSetting> demo_settings();
const DemoSetting* find_demo_setting(std::string_view name);

class DemoSettings {
public:
  DemoSettings();
  // `written`: as the user wrote the name, for messages. UserError.
  void set(std::string_view name, const std::string& value, const std::string& written);
  const std::string& get(std::string_view name) const;

  // A configuration as `peakbench run` reads it.
  Config config(const std::string& prompt) const;
  // Its cases. `decode` is that of the branching arms; with `auto` original runs path by path, as
  // published, and cow batched.
  Plan plan(const Config& config, const std::vector<PlannedModel>& opened) const;

private:
  std::string yaml(const std::string& prompt) const;

  std::map<std::string, std::string, std::less<>> values_;
};

inline constexpr const char* kAllArms = "naive,naive_batched,prefill_once,original,cow";
inline constexpr const char* kOneArm = "cow";

} // namespace peakbench::suite
