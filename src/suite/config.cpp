#include "suite/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.h"
#include "eab/settings.h"
#include "suite/config_reader.h"

namespace peakbench::suite {

namespace fs = std::filesystem;

namespace {

using Words = std::span<const std::string_view>;
constexpr std::array<std::string_view, 3> kEabTypes{"float32", "bfloat16", "float16"};
constexpr std::array<std::string_view, 2> kEpTypes{"float32", "float64"};
constexpr std::array<std::string_view, 2> kFormats{"raw", "chat"};
constexpr std::array<std::string_view, 3> kImplementations{"cow", "original", "both"};
constexpr std::array<std::string_view, 2> kTruths{"false", "true"};
constexpr std::array<std::string_view, 3> kDevices{"auto", "cpu", "cuda"};
constexpr std::array<std::string_view, 2> kGraphs{"auto", "off"};
constexpr std::array<std::string_view, 3> kShares{"auto", "static", "dynamic"};
constexpr std::array<std::string_view, 2> kScalingShares{"static", "dynamic"};
constexpr std::array<std::string_view, 3> kGathers{"auto", "mpi", "nccl"};
constexpr std::array<std::string_view, 3> kIsolations{"auto", "process", "none"};
constexpr std::array<std::string_view, 4> kOperations{"all_gather", "all_reduce", "broadcast",
                                                      "reduce"};
constexpr std::array<std::string_view, 2> kModes{"strong", "weak"};
constexpr std::int64_t kMany = 1'000'000;

PromptSource read_prompts(const Value& value) {
  PromptSource source;
  if (value.kind == Value::Kind::scalar) {
    if (value.scalar.empty())
      refuse(value, "`eab.prompts` is empty", "");
    source.file = value.scalar;
    return source;
  }
  Section section(value, "eab.prompts");
  section.read_texts("text", source.texts);
  if (const Value* generate = section.take("generate")) {
    Section inner(*generate, "eab.prompts.generate");
    inner.read("tokens", source.generate_tokens, {1, kMany});
    inner.read("count", source.generate_count, {1, kMany});
    inner.finish();
    if (source.generate_tokens.empty())
      refuse(*generate, "`eab.prompts.generate.tokens` is missing", "how many tokens a prompt has");
  }
  section.finish();
  if (source.texts.empty() == source.generate_tokens.empty())
    refuse(value, "`eab.prompts` must be one of a file name, {text: [...]}, {generate: {...}}", "");
  return source;
}

// `implementation` is the published switch: it leaves one of the two branching arms out.
void apply_implementation(Section& section, const Value& value, EabConfig& eab) {
  std::string implementation = "both";
  section.read("implementation", implementation, kImplementations);
  if (implementation == "cow")
    std::erase(eab.arms, "original");
  if (implementation == "original")
    std::erase(eab.arms, "cow");
  if (eab.arms.empty())
    refuse(*value.find("implementation"), "`eab.implementation` leaves no arm",
           "`eab.arms` names none that it allows");
}

EabConfig read_eab(const Value& value) {
  EabConfig eab;
  Section section(value, "eab");
  section.read("model", eab.model);
  section.read("dtype", eab.dtype, kEabTypes);
  if (const Value* prompts = section.take("prompts"))
    eab.prompts = read_prompts(*prompts);
  section.read("prompt_format", eab.prompt_format, kFormats);
  section.read("arms", eab.arms, Words(eab::kArmNames));
  section.read("decode", eab.decode, Words(eab::kDecodeNames));
  section.read("budget", eab.budget, Words(eab::kBudgetNames));
  section.read("prompts_per_step", eab.prompts_per_step, {1, 4096});
  section.read("max_new_tokens", eab.max_new_tokens, {1, kMany});
  section.read("branch_factor", eab.branch_factor, {2, kMany});
  section.read("max_paths", eab.max_paths, {1, kMany});
  section.read("threshold", eab.threshold, {.low = 0});
  section.read("temperature", eab.temperature, {.low = 0, .above = true});
  section.read("top_k", eab.top_k, {0, kMany});
  section.read("top_p", eab.top_p, {.low = 0, .high = 1, .above = true});
  section.read("min_prob", eab.min_prob, {.low = 0, .high = 1, .below = true});
  if (const Value* branching = section.take("branching")) {
    Section inner(*branching, "eab.branching");
    inner.read_list("schedule", eab.schedule, {1, kMany});
    inner.finish();
  }
  section.read("cuda_graphs", eab.cuda_graphs, kGraphs);
  apply_implementation(section, value, eab);
  section.finish();
  return eab;
}

EpTraining read_training(const Value& value) {
  EpTraining training;
  Section section(value, "ep.training");
  section.read("dataset", training.dataset);
  section.read("steps", training.steps, {1, kMany});
  section.read("evaluate_every", training.evaluate_every, {1, kMany});
  section.read("test_rows", training.test_rows, {1, kMany});
  section.finish();
  if (training.dataset.empty())
    refuse(value, "`ep.training.dataset` is missing",
           "`fashion-mnist`, or a folder with IDX files");
  return training;
}

EpConfig read_ep(const Value& value) {
  EpConfig ep;
  Section section(value, "ep");
  section.read("arms", ep.arms, Words(ep::kArmNames));
  section.read("depths", ep.depths, {2, kMany});
  section.read("width", ep.width, {1, kMany});
  section.read("batch", ep.batch, {1, kMany});
  section.read("steps", ep.steps, {1, kMany});
  section.read("rate", ep.rate, {.low = 0, .above = true});
  section.read("momentum", ep.momentum, {.low = 0, .high = 1, .below = true});
  section.read("beta", ep.beta, {.low = 0, .above = true});
  section.read("learning_rate", ep.learning_rate, {.low = 0});
  section.read("loss", ep.loss, Words(ep::kLossNames));
  section.read("init", ep.init, Words(ep::kInitNames));
  section.read("optimizer", ep.optimizer, Words(ep::kOptimizerNames));
  section.read("profile", ep.profile, Words(ep::kProfileNames));
  section.read("dtype", ep.dtype, kEpTypes);
  section.read("nudge", ep.nudge, Words(ep::kNudgeNames));
  section.read("tolerance", ep.tolerance, {.low = 0});
  section.read("adaptive", ep.adaptive, {0, 1});
  section.read_list("analysis_depths", ep.analysis_depths, {2, kMany});
  if (const Value* training = section.take("training"))
    ep.training = read_training(*training);
  section.finish();
  return ep;
}

CommConfig read_comm(const Value& value) {
  CommConfig comm;
  Section section(value, "comm");
  section.read("operation", comm.operation, kOperations);
  section.read("backend", comm.backend, kGathers);
  section.read("bytes", comm.bytes, {1, std::int64_t{1} << 40});
  section.read("ranks", comm.ranks, {1, kMany});
  section.finish();
  return comm;
}

ScalingConfig read_scaling(const Value& value) {
  ScalingConfig scaling;
  Section section(value, "scaling");
  section.read("mode", scaling.mode, kModes);
  section.read("share", scaling.share, kScalingShares);
  section.read("ranks", scaling.ranks, {1, kMany});
  section.finish();
  return scaling;
}

ClusterConfig read_cluster(const Value& value) {
  ClusterConfig cluster;
  Section section(value, "cluster");
  section.read("share", cluster.share, kShares);
  section.read("gather", cluster.gather, kGathers);
  section.read("isolate", cluster.isolate, kIsolations);
  section.read("threads", cluster.threads, {0, 4096});
  section.read("grace_seconds", cluster.grace_seconds, {.low = 0});
  section.read("lost_after_seconds", cluster.lost_after_seconds, {.low = 1});
  section.finish();
  if (cluster.isolate == "process" && cluster.gather == "nccl")
    refuse(*value.find("isolate"), "`cluster.isolate` cannot be `process` with `gather: nccl`",
           "NCCL takes traces from the GPU memory of the rank itself; say isolate: none or auto");
  return cluster;
}

measure::TrialPlan read_repeats(const Value& value) {
  measure::TrialPlan plan;
  Section section(value, "repeats");
  section.read("warm_up", plan.warm_up, {0, kMany});
  section.read("min", plan.min, {1, kMany});
  section.read("max", plan.max, {1, kMany});
  section.read("interval", plan.interval, {.low = 0});
  section.read("time_limit_seconds", plan.time_limit_seconds, {.low = 0, .above = true});
  section.finish();
  // Only one of the two given: the other follows.
  if (!section.has("max"))
    plan.max = std::max(plan.max, plan.min);
  if (!section.has("min"))
    plan.min = std::min(plan.min, plan.max);
  if (plan.max < plan.min)
    refuse(*value.find("max"), fmt::format("`repeats.max` cannot be {}", plan.max),
           fmt::format("allowed: at least `repeats.min`, {}", plan.min));
  return plan;
}

void read_name(Section& section, Config& config) {
  config.name = fs::path(config.path).stem().string();
  section.read("name", config.name);
  const auto odd = [](unsigned char c) { return !std::isalnum(c) && !std::strchr("._-", c); };
  if (const Value* name = section.take("name");
      name && (std::any_of(config.name.begin(), config.name.end(), odd) || config.name[0] == '.'))
    refuse(*name, fmt::format("`name` cannot be `{}`", config.name),
           "it becomes a file name; allowed: letters, digits, `.`, `_`, `-`");
}

} // namespace

std::string read_text_file(const std::string& path, const std::string& what) {
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    throw UserError(fmt::format("{}: no such {}", path, what));
  if (fs::is_directory(path, ignored))
    throw UserError(fmt::format("{}: is a folder, not a {}", path, what));
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.good() && !in.eof())
    throw UserError(fmt::format("{}: cannot be read", path));
  return text;
}

std::string resolve(const std::string& path, const std::string& config_path) {
  // A name that is too long, or in a folder that may not be read, is one that does not exist.
  const auto exists = [](const fs::path& there) {
    std::error_code ignored;
    return fs::exists(there, ignored);
  };
  if (path.starts_with("synthetic:") || fs::path(path).is_absolute() || exists(path) ||
      config_path.empty())
    return path;
  const fs::path folder = fs::absolute(config_path).parent_path();
  for (const fs::path& base : {folder, folder.parent_path()})
    if (exists(base / path))
      return (base / path).string();
  return path;
}

Config parse_config(const std::string& text, const std::string& path,
                    const std::vector<std::string>& overrides) {
  Config config;
  config.path = path;
  config.yaml = text;
  config.overrides = overrides;
  Value root = parse_yaml(text, path);
  for (const std::string& one : overrides)
    apply_override(root, one);
  Section section(root, "");
  read_name(section, config);
  section.read("seed", config.seed, {0, std::numeric_limits<std::int64_t>::max()});
  if (const Value* repeats = section.take("repeats"))
    config.repeats = read_repeats(*repeats);
  section.read("case_time_limit_seconds", config.case_time_limit_seconds,
               {.low = 0, .above = true});
  section.read("device", config.device, kDevices);
  std::string timeline = "false";
  section.read("timeline", timeline, kTruths);
  config.timeline = timeline == "true";
  if (const Value* eab = section.take("eab"))
    config.eab = read_eab(*eab);
  if (const Value* ep = section.take("ep"))
    config.ep = read_ep(*ep);
  if (const Value* comm = section.take("comm"))
    config.comm = read_comm(*comm);
  if (const Value* scaling = section.take("scaling"))
    config.scaling = read_scaling(*scaling);
  if (const Value* cluster = section.take("cluster"))
    config.cluster = read_cluster(*cluster);
  section.finish();
  if (!config.eab && !config.ep && !config.comm)
    throw UserError(fmt::format("{}: nothing to run", path),
                    "neither `eab` nor `ep` nor `comm` is there", "add one of them");
  if (config.scaling && !config.eab && !config.ep)
    throw UserError(fmt::format("{}: `scaling` has nothing to share", path),
                    "neither `eab` nor `ep` is there", "add one of them");
  return config;
}

Config read_config(const std::string& path, const std::vector<std::string>& overrides) {
  return parse_config(read_text_file(path, "configuration file"), path, overrides);
}

} // namespace peakbench::suite
