#include "suite/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "support/support.h"

namespace peakbench::suite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Config parse(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_config(text, "c.yaml", overrides);
}

std::string error_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    parse(text, overrides);
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Config, DefaultsAreThoseOfTheGuide) {
  const Config config = parse("eab: {}\nep:\n");
  EXPECT_EQ(config.name, "c");
  EXPECT_THAT(config.seed, ElementsAre(42));
  EXPECT_EQ(config.repeats.min, 3);
  EXPECT_EQ(config.repeats.max, 10);
  EXPECT_DOUBLE_EQ(config.case_time_limit_seconds, 600);
  ASSERT_TRUE(config.eab && config.ep);
  EXPECT_THAT(config.eab->arms,
              ElementsAre("naive", "naive_batched", "prefill_once", "original", "cow"));
  EXPECT_THAT(config.eab->decode, ElementsAre("per_path", "batched"));
  EXPECT_THAT(config.eab->threshold, ElementsAre(0.2));
  EXPECT_EQ(config.eab->prompts.file, "configs/prompts/quick.jsonl");
  EXPECT_THAT(config.ep->depths, ElementsAre(10, 50, 100, 200, 500));
  EXPECT_THAT(config.ep->rate, ElementsAre(0.15));
  EXPECT_EQ(config.device, "auto");
  EXPECT_EQ(config.eab->cuda_graphs, "auto");
}

TEST(Config, ReadsEveryKey) {
  const Config config = parse(R"(
name: all
seed: [1, 2]
repeats: {warm_up: 0, min: 2, max: 4, interval: 0.1, time_limit_seconds: 5}
case_time_limit_seconds: 7.5
device: cpu
eab:
  model: [a.gguf, b.gguf]
  dtype: [float32, bfloat16]
  prompts: {generate: {tokens: [50, 100], count: 3}}
  prompt_format: raw
  arms: [cow]
  decode: batched
  max_new_tokens: [10, 30]
  branch_factor: 2
  max_paths: 5
  threshold: [0.1, 0.2]
  temperature: 1
  top_k: 40
  top_p: 0.9
  min_prob: 0.01
  budget: published
  branching: {schedule: [3, 3, 2]}
  cuda_graphs: off
ep:
  arms: backprop
  depths: 2
  width: [8, 16]
  batch: 4
  steps: 5
  rate: 0.1
  momentum: 0
  beta: 1e-3
  learning_rate: 0.5
  loss: mse
  init: [he, residual]
  optimizer: sgd
  profile: compat
  dtype: float64
cluster: {share: static, gather: mpi, threads: 3}
)");
  EXPECT_EQ(config.name, "all");
  EXPECT_THAT(config.seed, ElementsAre(1, 2));
  EXPECT_EQ(config.repeats.warm_up, 0);
  EXPECT_DOUBLE_EQ(config.repeats.interval, 0.1);
  EXPECT_DOUBLE_EQ(config.case_time_limit_seconds, 7.5);
  EXPECT_EQ(config.device, "cpu");
  EXPECT_THAT(config.eab->model, ElementsAre("a.gguf", "b.gguf"));
  EXPECT_THAT(config.eab->prompts.generate_tokens, ElementsAre(50, 100));
  EXPECT_EQ(config.eab->prompts.generate_count, 3);
  EXPECT_TRUE(config.eab->prompts.file.empty());
  EXPECT_THAT(config.eab->schedule, ElementsAre(3, 3, 2));
  EXPECT_EQ(config.eab->cuda_graphs, "off");
  EXPECT_THAT(config.eab->temperature, ElementsAre(1.0));
  EXPECT_THAT(config.eab->budget, ElementsAre("published"));
  EXPECT_THAT(config.ep->beta, ElementsAre(1e-3));
  EXPECT_THAT(config.ep->init, ElementsAre("he", "residual"));
  EXPECT_EQ(config.cluster.gather, "mpi");
  EXPECT_EQ(config.cluster.threads, 3);
}

struct Refused {
  const char *name, *yaml, *place, *says;
};
void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.name; }

class ConfigRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(ConfigRefuses, WithLineColumnAndWhatIsAllowed) {
  const std::string error = error_of(GetParam().yaml);
  EXPECT_THAT(error, StartsWith(GetParam().place));
  EXPECT_THAT(error, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Table, ConfigRefuses,
    ::testing::Values(
        Refused{"unknown_key", "ep:\n  depth: 10\n", "c.yaml:2:3: unknown key `ep.depth`",
                "did you mean `depths`?"},
        Refused{"unknown_top_key", "seeed: 1\nep: {}\n", "c.yaml:1:1: unknown key `seeed`",
                "did you mean `seed`?"},
        Refused{"unknown_far_key", "ep: {}\nzebra: 1\n", "c.yaml:2:1: unknown key",
                "allowed: case_time_limit_seconds, cluster"},
        Refused{"duplicate_key", "ep:\n  width: 1\n  width: 2\n",
                "c.yaml:3:3: key `width` is given twice", "c.yaml:2:10"},
        Refused{"text_for_number", "ep:\n  width: wide\n",
                "c.yaml:2:10: `ep.width` cannot be `wide`", "an integer from 1"},
        Refused{"quoted_number", "ep:\n  width: \"8\"\n", "c.yaml:2:10: `ep.width` cannot be `8`",
                "an integer"},
        Refused{"real_for_integer", "ep:\n  batch: 1.5\n",
                "c.yaml:2:10: `ep.batch` cannot be `1.5`", "an integer"},
        Refused{"depth_zero", "ep:\n  depths: [10, 0]\n", "c.yaml:2:16: `ep.depths` cannot be `0`",
                "from 2 to"},
        Refused{"depth_one", "ep:\n  depths: 1\n", "c.yaml:2:11: `ep.depths` cannot be `1`",
                "from 2 to"},
        Refused{"zero_paths", "eab:\n  max_paths: 0\n",
                "c.yaml:2:14: `eab.max_paths` cannot be `0`", "from 1 to"},
        Refused{"one_child", "eab:\n  branch_factor: 1\n", "c.yaml:2:18:", "from 2 to"},
        Refused{"temperature_zero", "eab: {temperature: 0}\n", "c.yaml:1:20:", "a number above 0"},
        Refused{"top_p_above_one", "eab: {top_p: 1.1}\n", "c.yaml:1:14:", "above 0 and at most 1"},
        Refused{"momentum_one", "ep: {momentum: 1}\n", "c.yaml:1:16:", "of at least 0 and below 1"},
        Refused{"negative_threshold", "eab: {threshold: -0.1}\n", "c.yaml:1:18:", "of at least 0"},
        Refused{"not_a_number", "eab: {threshold: .nan}\n", "c.yaml:1:18:", "a number"},
        Refused{"huge_integer", "ep: {width: 99999999999999999999}\n",
                "c.yaml:1:13:", "an integer"},
        Refused{"unknown_arm", "eab:\n  arms: [cow, orginal]\n",
                "c.yaml:2:15: `eab.arms` cannot be `orginal`", "did you mean `original`?"},
        Refused{"unknown_ep_arm", "ep:\n  arms: [backprop, ep_leap]\n",
                "c.yaml:2:20: ", "ep_sweep"},
        Refused{"training_without_dataset", "ep:\n  training: {steps: 5}\n",
                "c.yaml:2:13: `ep.training.dataset` is missing", "fashion-mnist"},
        Refused{"adaptive", "ep: {adaptive: 2}\n", "c.yaml:1:16: ", ""},
        Refused{"value_twice", "ep:\n  depths: [10, 50, 10]\n",
                "c.yaml:2:20: `ep.depths` has `10` twice", ""},
        Refused{"empty_axis", "ep:\n  depths: []\n", "c.yaml:2:11: `ep.depths` is an empty list",
                ""},
        Refused{"map_for_scalar", "ep:\n  width: {a: 1}\n",
                "c.yaml:2:10: `ep.width` cannot be a map", "an integer"},
        Refused{"scalar_for_map", "ep: 3\n", "c.yaml:1:5: `ep` must be a map of keys", ""},
        Refused{"nested_list", "ep:\n  width: [[1]]\n", "c.yaml:2:11:", "an integer"},
        Refused{"list_at_top", "- ep\n", "c.yaml:1:1: the configuration must be a map", ""},
        Refused{"syntax", "ep: {width: 1\n", "c.yaml:2:1: not valid YAML", ""},
        Refused{"odd_name", "name: a/b\nep: {}\n", "c.yaml:1:7: `name` cannot be `a/b`", "letters"},
        Refused{"max_below_min", "repeats: {min: 5, max: 2}\nep: {}\n",
                "c.yaml:1:24: `repeats.max`", "at least `repeats.min`, 5"},
        Refused{"two_prompt_sources", "eab:\n  prompts: {text: [a], generate: {tokens: 5}}\n",
                "c.yaml:2:12: `eab.prompts` must be one of", ""},
        Refused{"generate_without_tokens", "eab:\n  prompts: {generate: {count: 5}}\n",
                "c.yaml:2:23:", "missing"},
        Refused{"implementation_leaves_nothing", "eab:\n  arms: original\n  implementation: cow\n",
                "c.yaml:3:19:", "leaves no arm"},
        Refused{"unknown_sharing", "ep: {}\ncluster: {share: guided}\n",
                "c.yaml:2:18: `cluster.share` cannot be `guided`", "auto, static, dynamic"},
        Refused{"isolated_nccl", "ep: {}\ncluster: {isolate: process, gather: nccl}\n",
                "c.yaml:2:20: `cluster.isolate` cannot be `process`", "isolate: none or auto"},
        Refused{"scaling_of_nothing", "comm: {}\nscaling: {}\n",
                "c.yaml: `scaling` has nothing to share", "neither `eab` nor `ep`"},
        Refused{"float16_for_ep", "ep: {dtype: float16}\n", "c.yaml:1:13:", "float32, float64"},
        Refused{"nothing_to_run", "name: x\n", "c.yaml: nothing to run", "neither `eab` nor `ep`"},
        Refused{"empty_file", "", "c.yaml: nothing to run", ""}),
    [](const auto& one) { return one.param.name; });

TEST(Config, ImplementationIsThePublishedSwitch) {
  EXPECT_THAT(parse("eab: {implementation: cow}").eab->arms,
              ElementsAre("naive", "naive_batched", "prefill_once", "cow"));
  EXPECT_THAT(parse("eab: {implementation: original, arms: [cow, original]}").eab->arms,
              ElementsAre("original"));
  EXPECT_THAT(parse("eab: {implementation: both, arms: [cow, original]}").eab->arms,
              ElementsAre("cow", "original"));
}

TEST(Config, OneOfMinAndMaxFollowsTheOther) {
  EXPECT_EQ(parse("repeats: {max: 1}\nep: {}").repeats.min, 1);
  EXPECT_EQ(parse("repeats: {min: 20}\nep: {}").repeats.max, 20);
}

TEST(Config, OverridesReplaceAddAndRemove) {
  const std::string yaml = "eab: {max_paths: 20}\nep: {depths: [10, 50]}\n";
  const Config config =
      parse(yaml, {"ep.depths=[3, 4]", "eab.max_paths=7", "repeats.min=1", "name=other"});
  EXPECT_THAT(config.ep->depths, ElementsAre(3, 4));
  EXPECT_THAT(config.eab->max_paths, ElementsAre(7));
  EXPECT_EQ(config.repeats.min, 1);
  EXPECT_EQ(config.name, "other");
  EXPECT_FALSE(parse(yaml, {"eab=null"}).eab);
  EXPECT_EQ(parse(yaml, {"eab.prompts={text: [hello]}"}).eab->prompts.texts.size(), 1u);
}

TEST(Config, ErrorsInOverridesNameThem) {
  EXPECT_THAT(error_of("ep: {}", {"ep.depths=0"}),
              StartsWith("--set ep.depths: `ep.depths` cannot be `0`"));
  EXPECT_THAT(error_of("ep: {}", {"ep.depth=10"}), StartsWith("--set ep.depth: unknown key"));
  EXPECT_THAT(error_of("ep: {}", {"ep.width"}), HasSubstr("not of the form a.b=value"));
  EXPECT_THAT(error_of("ep: {}", {"=3"}), HasSubstr("not of the form a.b=value"));
  EXPECT_THAT(error_of("ep: {width: 3}", {"ep.width.x=3"}), HasSubstr("cannot be set"));
  EXPECT_THAT(error_of("ep: {}", {"ep.width=[1"}), HasSubstr("not valid YAML"));
}

TEST(Config, MissingFilesAreNamed) {
  EXPECT_THAT(
      [] { read_config("nowhere.yaml", {}); },
      ::testing::ThrowsMessage<UserError>(HasSubstr("nowhere.yaml: no such configuration file")));
  const peakbench::testing::ScratchFolder scratch;
  EXPECT_THAT([&] { read_config(scratch.path().string(), {}); },
              ::testing::ThrowsMessage<UserError>(HasSubstr("is a folder")));
}

TEST(Config, PathsAreFoundBesideTheConfigurationToo) {
  const peakbench::testing::ScratchFolder scratch;
  std::filesystem::create_directories(scratch / "configs/prompts");
  peakbench::testing::write_file(scratch / "configs/prompts/p.jsonl", "");
  const std::string config = (scratch / "configs/c.yaml").string();
  EXPECT_EQ(resolve("prompts/p.jsonl", config), (scratch / "configs/prompts/p.jsonl").string());
  EXPECT_EQ(resolve("configs/prompts/p.jsonl", config),
            (scratch / "configs/prompts/p.jsonl").string());
  EXPECT_EQ(resolve("nowhere.jsonl", config), "nowhere.jsonl");
  EXPECT_EQ(resolve("synthetic:x", config), "synthetic:x");
}

TEST(Config, TheShippedOnesAreRead) {
  for (const auto& entry :
       std::filesystem::directory_iterator(peakbench::testing::source_folder() / "configs"))
    if (entry.path().extension() == ".yaml") {
      const Config config = read_config(entry.path().string(), {});
      EXPECT_EQ(config.name, entry.path().stem().string());
    }
}

} // namespace
} // namespace peakbench::suite
