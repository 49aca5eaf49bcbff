#include "suite/demo_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "results/text.h"
#include "suite/config_reader.h"

namespace peakbench::suite {

namespace fs = std::filesystem;

namespace {

constexpr DemoSetting kSettings[] = {
    {"model", "eab.model", "models/SmolLM2-135M-Instruct.Q4_1.gguf",
     "GGUF file or Hugging Face folder", false},
    {"dtype", "eab.dtype", "bfloat16", "float32, bfloat16, float16 (CUDA)"},
    {"prompt-format", "eab.prompt_format", "chat",
     "chat: in the model's own template; raw: the text as it is"},
    {"arms", "eab.arms", kOneArm,
     "some of naive, naive_batched, prefill_once, original, cow, with commas between"},
    {"decode", "", "auto",
     "per_path, batched, both; auto: original per_path (as published), cow batched"},
    {"max-new-tokens", "eab.max_new_tokens", "50", "tokens after the prompt"},
    {"branch-factor", "eab.branch_factor", "3", "children of a branching"},
    {"max-paths", "eab.max_paths", "20", "most paths alive at once"},
    {"threshold", "eab.threshold", "0.2", "branch where the normalised entropy is at least this"},
    {"temperature", "eab.temperature", "0.8", "sampling temperature"},
    {"top-k", "eab.top_k", "0", "tokens kept by rank; 0: all"},
    {"top-p", "eab.top_p", "1.0", "probability mass kept"},
    {"budget", "eab.budget", "strict",
     "strict: never more samples than max-paths; published: as the published code counts"},
    {"seed", "seed", "42", "of the random numbers"},
    {"repeats", "", "auto",
     "how often every arm is measured; auto: once, or up to 3 times within a second"},
    {"device", "device", "auto", "auto, cpu or cuda", false},
    {"threads", "cluster.threads", "0", "CPU threads; 0: as many as there are cores", false},
};
constexpr std::string_view kDecodes[] = {"auto", "per_path", "batched", "both"};
constexpr const char* kAutoRepeats =
    "{warm_up: 0, min: 1, max: 3, interval: 0.1, time_limit_seconds: 1}";

// A number stands as it is; anything else becomes a quoted text, whatever is in it.
std::string yaml_value(const std::string& value) {
  if (!value.empty() && value.find_first_not_of("0123456789+-.eE") == value.npos)
    return value;
  return nlohmann::json(results::storable_text(value)).dump();
}

// "cow, naive" -> ["cow","naive"]
std::string yaml_list(const std::string& value) {
  nlohmann::json list = nlohmann::json::array();
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t begin = value.find_first_not_of(", ", at);
    if (begin == value.npos)
      break;
    at = std::min(value.find_first_of(", ", begin), value.size());
    list.push_back(results::storable_text(value.substr(begin, at - begin)));
  }
  return list.dump();
}

std::string yaml_of(std::string_view name, const std::string& value) {
  return name == "arms" ? yaml_list(value) : yaml_value(value);
}

// The model as it stands, or else below one of the folders above this program: that of a checkout
// is found from everywhere.
std::string found_model(const std::string& name) {
  std::error_code ignored;
  if (fs::exists(name, ignored) || fs::path(name).is_absolute())
    return name;
  for (fs::path folder = fs::read_symlink("/proc/self/exe", ignored); folder.has_relative_path();
       folder = folder.parent_path())
    if (fs::exists(folder.parent_path() / name, ignored))
      return (folder.parent_path() / name).string();
  return name;
}

void check_model(const std::string& value, const std::string& written) {
  if (value.starts_with("synthetic:"))
    throw UserError(fmt::format("{} cannot be `{}`", written, value),
                    "a synthetic model has no tokenizer, so it takes no prompts",
                    "measure it with `peakbench run`.");
}

// What everybody meets who has not set up yet.
void check_default_model(const std::string& value) {
  std::error_code ignored;
  if (value == kSettings[0].initial && !fs::exists(found_model(value), ignored))
    throw UserError(fmt::format("model {} is not there", value), "",
                    "tools/bootstrap.sh fetches it; or name another one with --model.");
}

void check_repeats(const std::string& value, const std::string& written) {
  const bool number = !value.empty() && value.size() < 6 && value != "0" &&
                      value.find_first_not_of("0123456789") == value.npos;
  if (value != "auto" && !number)
    throw UserError(fmt::format("{} cannot be `{}`", written, value),
                    "allowed: auto, an integer from 1 to 99999", "");
}

} // namespace

std::span<const DemoSetting> demo_settings() { return kSettings; }

const DemoSetting* find_demo_setting(std::string_view name) {
  const auto found = std::ranges::find(kSettings, name, &DemoSetting::name);
  return found == std::end(kSettings) ? nullptr : found;
}

DemoSettings::DemoSettings() {
  for (const DemoSetting& setting : kSettings)
    values_.emplace(setting.name, setting.initial);
}

const std::string& DemoSettings::get(std::string_view name) const {
  return values_.find(name)->second;
}

void DemoSettings::set(std::string_view name, const std::string& value,
                       const std::string& written) {
  const DemoSetting& setting = *find_demo_setting(name);
  if (name == "decode" && std::ranges::find(kDecodes, value) == std::end(kDecodes))
    throw UserError(fmt::format("{} cannot be `{}`", written, value),
                    "allowed: auto, per_path, batched, both", "");
  if (name == "repeats")
    check_repeats(value, written);
  if (name == "model")
    check_model(value, written);
  if (!setting.key.empty()) {
    const std::string override_text = fmt::format("{}={}", setting.key, yaml_of(name, value));
    try {
      parse_config(yaml("a prompt"), "", {override_text});
    } catch (const UserError& error) {
      const std::string before = fmt::format("--set {0}: `{0}`", setting.key);
      const std::string text = error.what();
      throw UserError(text.starts_with(before) ? written + text.substr(before.size()) : text);
    }
  }
  values_.find(name)->second = value;
}

std::string DemoSettings::yaml(const std::string& prompt) const {
  const std::string& repeats = get("repeats");
  std::string text =
      fmt::format("name: demo\nrepeats: {}\n",
                  repeats == "auto" ? kAutoRepeats
                                    : fmt::format("{{warm_up: 0, min: {0}, max: {0}}}", repeats));
  std::string eab = "eab:\n", cluster = "cluster:\n";
  for (const DemoSetting& setting : kSettings) {
    const std::string& value = get(setting.name);
    const std::string shown =
        yaml_of(setting.name, setting.name == "model" ? found_model(value) : value);
    if (setting.key.starts_with("eab."))
      eab += fmt::format("  {}: {}\n", setting.key.substr(4), shown);
    else if (setting.key.starts_with("cluster."))
      cluster += fmt::format("  {}: {}\n", setting.key.substr(8), shown);
    else if (!setting.key.empty())
      text += fmt::format("{}: {}\n", setting.key, shown);
  }
  eab += "  decode: [per_path, batched]\n";
  eab += fmt::format("  prompts: {{text: [{}]}}\n",
                     nlohmann::json(results::storable_text(prompt)).dump());
  return text + cluster + eab;
}

Config DemoSettings::config(const std::string& prompt) const {
  check_default_model(get("model"));
  return parse_config(yaml(prompt), "", {});
}

Plan DemoSettings::plan(const Config& config, const std::vector<PlannedModel>& opened) const {
  Plan plan = make_plan(config, opened);
  const std::string& decode = get("decode");
  if (decode == "both")
    return plan;
  // The arms that do not branch have one way of decoding only.
  drop_eab_cases(plan, config, [&](const EabPlanned& planned) {
    const eab::Settings& settings = planned.settings;
    if (!eab::branches(settings.arm))
      return false;
    const bool published = settings.arm == eab::Arm::original;
    const std::string_view wanted = decode != "auto" ? std::string_view(decode)
                                    : published      ? "per_path"
                                                     : "batched";
    return eab::name_of(settings.decode) != wanted;
  });
  return plan;
}

} // namespace peakbench::suite
