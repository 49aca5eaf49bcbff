// The small version of every experiment: the shipped file itself, cut down by the --set options of
// its own line "# small:", on a model of 1 MB.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>

#include "launcher.h"
#include "results/fields.h"
#include "results/store.h"
#include "support/support.h"

namespace peakbench::testing {
namespace {

namespace fs = std::filesystem;
using results::EabCase;
using ::testing::HasSubstr;

struct Experiment {
  const char* name;
  std::vector<const char*> axes; // columns that must have at least two values
  const char* table;             // the report's title
  bool many_models = false;
};
const std::vector<Experiment> kExperiments{
    {"eab_prompt_length", {"prompt_tokens"}, "EAB versus prompt length"},
    {"eab_sample_count", {"max_paths", "samples"}, "EAB versus max paths"},
    {"eab_model_size", {"model"}, "EAB versus model", true},
    {"eab_domain", {"domain"}, "EAB versus domain"},
    {"eab_generation_length", {"max_new_tokens"}, "EAB versus max new tokens"},
    {"eab_branch_factor", {"branch_factor"}, "EAB versus branch factor"},
    {"eab_max_paths", {"max_paths"}, "EAB versus max paths"},
    {"eab_temperature", {"temperature"}, "EAB versus temperature"},
    {"eab_threshold_grid", {"threshold", "temperature"}, "EAB: threshold x temperature"},
    {"eab_ambiguity", {"prompt_rating"}, "EAB: does branching follow the rating (Spearman)"},
    {"eab_scale", {"prompt_tokens"}, "EAB versus prompt length"},
    {"eab_prompts_per_step", {"prompts_per_step"}, "EAB: prompts decoded together"},
    {"eab_synthetic_sizes", {"model"}, "EAB versus model", true}};

void PrintTo(const Experiment& experiment, std::ostream* out) { *out << experiment.name; }

fs::path config_of(const Experiment& experiment) {
  return source_folder() / "configs" / (std::string(experiment.name) + ".yaml");
}

// "# small: --set a=b --set 'c=[1, 2]'" -> {"--set", "a=b", "--set", "c=[1, 2]"}
std::vector<std::string> small_version(const fs::path& config) {
  const std::string yaml = read_file(config);
  const std::size_t begin = yaml.find("# small:");
  if (begin == std::string::npos)
    return {};
  const std::string line = yaml.substr(begin, yaml.find('\n', begin) - begin);
  const std::regex option("--set (?:'([^']*)'|(\\S+))");
  std::vector<std::string> words;
  for (std::sregex_iterator it(line.begin(), line.end(), option), end; it != end; ++it) {
    words.emplace_back("--set");
    words.push_back((*it)[1].matched ? (*it)[1] : (*it)[2]);
  }
  return words;
}

std::string value(const EabCase& record, std::string_view column) {
  for (const auto& field : results::fields<EabCase>())
    if (field.name == column)
      return results::text_of(results::value_of(field, record));
  throw std::runtime_error("no column " + std::string(column));
}

// What cases of one tree have in common.
std::string tree_key(const EabCase& record) {
  std::string key;
  for (const auto& field : results::fields<EabCase>())
    if (field.role == results::Role::independent && field.name != "arm" && field.name != "decode")
      key += results::text_of(results::value_of(field, record)) + "\n";
  return key;
}

std::string tree_of(const std::string& file, const EabCase& record) {
  std::string text;
  for (const auto& node : results::load_eab_trace(file, record.case_id).nodes)
    text += std::to_string(node.parent) + ":" + std::to_string(node.token) +
            (node.branched ? "* " : " ");
  return text;
}

class Experiments : public ::testing::TestWithParam<Experiment> {
protected:
  // Two models of one kind under two names, as a user has two sizes.
  std::string models(const fs::path& shared) const {
    const fs::path source = shared / "data/models/stories260k";
    const std::string first = (source / "stories260K.bin").string();
    if (!GetParam().many_models)
      return first;
    if (std::string(GetParam().name) == "eab_synthetic_sizes")
      return "[\"synthetic:smollm2-135m\", " + first + "]";
    fs::copy_file(source / "stories260K.bin", scratch_ / "other.bin");
    fs::copy_file(source / "tok512.bin", scratch_ / "tok512.bin");
    return "[" + first + ", " + (scratch_ / "other.bin").string() + "]";
  }
  ScratchFolder scratch_;
};

TEST_P(Experiments, SmallVersion) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const Experiment& experiment = GetParam();
  const std::vector<std::string> small = small_version(config_of(experiment));
  ASSERT_FALSE(small.empty()) << "the file has no line \"# small:\"";
  const std::string file = (scratch_ / "small.h5").string();
  std::vector<std::string> arguments{"run", config_of(experiment).string(), "--out", file};
  arguments.insert(arguments.end(), small.begin(), small.end());
  for (const std::string& one :
       {"eab.model=" + models(shared), std::string("eab.dtype=float32"),
        std::string("eab.prompt_format=raw"), std::string("device=cpu"),
        std::string("cluster.threads=1"), std::string("repeats={warm_up: 0, min: 1, max: 1}")}) {
    arguments.emplace_back("--set");
    arguments.push_back(one);
  }
  if (experiment.axes.front() == std::string("prompt_rating")) {
    arguments.emplace_back("--set");
    arguments.push_back("eab.prompts=" +
                        (shared / "data/prompts/prompts_with_ratings.csv").string());
  }
  const Ended ended = run_program(0, arguments);
  ASSERT_EQ(ended.status, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr(experiment.table));
  EXPECT_THAT(ended.output, HasSubstr("EAB: quality of the samples"));
  EXPECT_THAT(ended.output, HasSubstr("EAB: KV in models of published sizes"));

  const std::vector<EabCase> cases = results::load(file).eab;
  std::map<std::string, std::set<std::string>> trees;
  std::set<std::string> implementations;
  for (const EabCase& record : cases) {
    EXPECT_EQ(record.status, "ok") << record.reason;
    EXPECT_EQ(record.validity, "VALID");
    ASSERT_GT(record.kv_bytes_per_token, 0);
    EXPECT_GT(record.model_parameters, 0);
    EXPECT_EQ(record.kv_bound_bytes % record.kv_bytes_per_token, 0) << "whole tokens";
    if (record.arm != "original" && record.arm != "cow")
      continue;
    implementations.insert(record.arm);
    EXPECT_EQ(record.tree_matches_reference, 1) << record.arm << " " << record.decode;
    trees[tree_key(record)].insert(tree_of(file, record));
  }
  EXPECT_EQ(implementations.size(), 2u) << "both implementations are compared";
  for (const auto& [key, distinct] : trees)
    EXPECT_EQ(distinct.size(), 1u) << "original and cow have one tree: " << key;
  for (const char* axis : experiment.axes) {
    std::set<std::string> values;
    for (const EabCase& record : cases)
      values.insert(value(record, axis));
    EXPECT_GE(values.size(), 2u) << axis << " must vary in the small version too";
    EXPECT_FALSE(values.contains("")) << axis;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Experiments, ::testing::ValuesIn(kExperiments),
                         [](const auto& one) { return std::string(one.param.name); });

// The EP files that need no data set.
std::vector<std::string> ep_experiments() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(source_folder() / "configs")) {
    const std::string name = entry.path().stem().string();
    if (name.starts_with("ep_") && read_file(entry.path()).find("dataset:") == std::string::npos)
      names.push_back(name);
  }
  return names;
}

class EpExperiments : public ::testing::TestWithParam<std::string> {
protected:
  ScratchFolder scratch_;
};

TEST_P(EpExperiments, SmallVersion) {
  const fs::path config = source_folder() / "configs" / (GetParam() + ".yaml");
  const std::vector<std::string> small = small_version(config);
  ASSERT_FALSE(small.empty()) << "the file has no line \"# small:\"";
  const std::string file = (scratch_ / "small.h5").string();
  std::vector<std::string> arguments{"run", config.string(), "--out", file};
  arguments.insert(arguments.end(), small.begin(), small.end());
  for (const char* one :
       {"device=cpu", "cluster.threads=1", "repeats={warm_up: 0, min: 1, max: 1}"})
    arguments.insert(arguments.end(), {"--set", one});
  const Ended ended = run_program(0, arguments);
  ASSERT_EQ(ended.status, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("EP: peak memory beyond the weights versus depth"));
  EXPECT_THAT(ended.output, HasSubstr("EP: success criteria"));

  const results::RunData run = results::load(file);
  std::set<std::int64_t> depths;
  std::set<std::string> arms, analysed;
  for (const results::EpCase& record : run.ep) {
    EXPECT_EQ(record.status, "ok") << record.reason;
    EXPECT_EQ(record.validity, "VALID");
    EXPECT_GT(record.reach, 0) << record.arm;
    depths.insert(record.depth);
    arms.insert(record.arm);
    for (const results::EpComponentRow& part : run.ep_components)
      if (part.case_id == record.case_id)
        analysed.insert(record.arm);
  }
  EXPECT_GE(depths.size(), 3u);
  EXPECT_TRUE(arms.contains("ep_fused") && arms.contains("truncated_backprop"))
      << "EP stands beside its honest control";
  if (read_file(config).find("analysis_depths") == std::string::npos)
    return;
  EXPECT_EQ(analysed, arms);
  for (const char* table : {"EP: components of a training step", "EP: forward pass",
                            "EP: what operations keep for the backward pass"})
    EXPECT_THAT(ended.output, HasSubstr(table));
}

INSTANTIATE_TEST_SUITE_P(All, EpExperiments, ::testing::ValuesIn(ep_experiments()),
                         [](const auto& one) { return one.param; });

TEST(CommExperiment, SmallVersion) {
  const ScratchFolder scratch;
  const fs::path config = source_folder() / "configs" / "comm.yaml";
  const std::vector<std::string> small = small_version(config);
  ASSERT_FALSE(small.empty()) << "the file has no line \"# small:\"";
  const std::string file = (scratch / "small.h5").string();
  std::vector<std::string> arguments{"run", config.string(), "--out", file};
  arguments.insert(arguments.end(), small.begin(), small.end());
  const Ended ended = run_program(2, arguments);
  ASSERT_EQ(ended.status, 0) << ended.output;
  std::set<std::pair<std::string, std::int64_t>> seen;
  for (const results::CommCase& record : results::load(file).comm) {
    EXPECT_EQ(record.validity, "VALID") << record.reason;
    seen.emplace(record.operation, record.message_bytes);
  }
  EXPECT_EQ(seen.size(), 8u) << "four operations, two sizes";
}

TEST(ScalingExperiment, SmallVersion) {
  const ScratchFolder scratch;
  const fs::path config = source_folder() / "configs" / "scaling.yaml";
  const std::vector<std::string> small = small_version(config);
  ASSERT_FALSE(small.empty()) << "the file has no line \"# small:\"";
  const std::string file = (scratch / "small.h5").string();
  std::vector<std::string> arguments{"run", config.string(), "--out", file};
  arguments.insert(arguments.end(), small.begin(), small.end());
  const Ended ended = run_program(2, arguments);
  ASSERT_EQ(ended.status, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("Scaling: strong"));
  std::set<std::pair<std::string, std::int64_t>> seen;
  for (const results::ScalingCase& record : results::load(file).scaling) {
    EXPECT_EQ(record.validity, "VALID") << record.reason;
    seen.emplace(record.share, record.ranks);
  }
  EXPECT_EQ(seen.size(), 4u) << "static and dynamic, one and two ranks";
}

TEST(ExperimentFiles, EachHasATestAndALineInTheGuide) {
  const std::string guide = read_file(source_folder() / "configs" / "README.md");
  for (const auto& entry : fs::directory_iterator(source_folder() / "configs")) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() != ".yaml")
      continue;
    EXPECT_NE(guide.find("(" + name + ".yaml)"), guide.npos) << name << " is not in the guide";
    const auto same = [&](const Experiment& one) { return name == one.name; };
    EXPECT_TRUE(!name.starts_with("eab_") || std::ranges::any_of(kExperiments, same))
        << name << " has no small version";
  }
}

} // namespace
} // namespace peakbench::testing
