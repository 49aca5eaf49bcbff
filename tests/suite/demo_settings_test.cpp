#include "suite/demo_settings.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "support/support.h"

namespace peakbench::suite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

TEST(DemoSettings, StartWithWhatTheConfigurationsGuideSays) {
  PEAKBENCH_NEEDS_SMOLLM2(model);
  DemoSettings settings;
  settings.set("model", model.string(), "--model");
  const Config config = settings.config("Why?");
  const EabConfig defaults;
  EXPECT_EQ(config.eab->dtype, defaults.dtype);
  EXPECT_EQ(config.eab->prompt_format, defaults.prompt_format);
  EXPECT_EQ(config.eab->max_new_tokens, defaults.max_new_tokens);
  EXPECT_EQ(config.eab->branch_factor, defaults.branch_factor);
  EXPECT_EQ(config.eab->max_paths, defaults.max_paths);
  EXPECT_EQ(config.eab->threshold, defaults.threshold);
  EXPECT_EQ(config.eab->temperature, defaults.temperature);
  EXPECT_EQ(config.eab->top_k, defaults.top_k);
  EXPECT_EQ(config.eab->top_p, defaults.top_p);
  EXPECT_EQ(config.eab->budget, defaults.budget);
  EXPECT_EQ(config.seed, Config{}.seed);
  EXPECT_EQ(config.eab->prompts.texts, std::vector<std::string>{"Why?"});
  EXPECT_THAT(config.eab->arms, ElementsAre("cow"));
}

TEST(DemoSettings, BecomeAConfigurationThatRunReads) {
  PEAKBENCH_NEEDS_SHARED(shared);
  DemoSettings settings;
  settings.set("model", (shared / "data/models/stories260k/stories260K.bin").string(), "--model");
  settings.set("prompt-format", "raw", "--prompt-format");
  settings.set("threshold", "0.05", "/threshold");
  settings.set("arms", "cow, naive", "/arms");
  settings.set("repeats", "4", "/repeats");
  const std::string prompt = "a \"quoted\" # 'prompt': {x} é \x1b\n\\n 你";
  const Config config = settings.config(prompt);
  EXPECT_EQ(config.eab->threshold, std::vector<double>{0.05});
  EXPECT_THAT(config.eab->arms, ElementsAre("cow", "naive"));
  EXPECT_EQ(config.repeats.min, 4);
  EXPECT_EQ(config.repeats.max, 4);
  EXPECT_EQ(config.eab->prompts.texts.at(0), prompt);
  // The text in the results file alone gives the same cases.
  const Config again = parse_config(config.yaml, "", {});
  EXPECT_EQ(make_plan(again).hash, make_plan(config).hash);
}

TEST(DemoSettings, DecodeAutoRunsOriginalAsPublishedAndCowBatched) {
  PEAKBENCH_NEEDS_SHARED(shared);
  DemoSettings settings;
  settings.set("model", (shared / "data/models/stories260k/stories260K.bin").string(), "--model");
  settings.set("prompt-format", "raw", "--prompt-format");
  settings.set("arms", kAllArms, "--compare-all");
  const auto cases = [&](const char* decode) {
    settings.set("decode", decode, "--decode");
    const Config config = settings.config("Why?");
    std::vector<std::string> all;
    for (const EabPlanned& one : settings.plan(config, {}).eab)
      all.push_back(one.record.arm + " " + one.record.decode);
    return all;
  };
  EXPECT_THAT(cases("auto"),
              ElementsAre("naive per_path", "naive_batched batched", "prefill_once batched",
                          "original per_path", "cow batched"));
  EXPECT_THAT(cases("per_path"),
              ElementsAre("naive per_path", "naive_batched batched", "prefill_once batched",
                          "original per_path", "cow per_path"));
  EXPECT_EQ(cases("both").size(), 7u);
}

TEST(DemoSettings, ABadValueIsOneMessageAndChangesNothing) {
  DemoSettings settings;
  const struct {
    const char *name, *value, *says;
  } mistakes[] = {
      {"threshold", "high", "/threshold cannot be `high` (allowed: a number"},
      {"threshold", "-1", "/threshold cannot be `-1` (allowed: a number of at least 0)"},
      {"threshold", "[0.1, 0.2]", "/threshold cannot be `[0.1, 0.2]`"},
      {"threshold", "", "/threshold cannot be ``"},
      {"threshold", "0.1\neab: {}", "/threshold cannot be `0.1"},
      {"max-paths", "0", "/max-paths cannot be `0` (allowed: an integer from 1"},
      {"max-paths", "2.5", "/max-paths cannot be `2.5`"},
      {"branch-factor", "1", "/branch-factor cannot be `1`"},
      {"temperature", "0", "/temperature cannot be `0` (allowed: a number above 0)"},
      {"top-p", "1.5", "/top-p cannot be `1.5`"},
      {"dtype", "float64", "/dtype cannot be `float64` (allowed: float32"},
      {"budget", "strikt", "did you mean `strict`?"},
      {"arms", "cow,naiv", "/arms cannot be `naiv`"},
      {"arms", "cow,cow", "/arms"},
      {"arms", "", "/arms"},
      {"decode", "fast", "/decode cannot be `fast` (allowed: auto"},
      {"repeats", "0", "/repeats cannot be `0`"},
      {"repeats", "many", "/repeats cannot be `many`"},
      {"seed", "-1", "/seed cannot be `-1`"},
      {"threads", "x", "/threads cannot be `x`"},
      {"model", "synthetic:smollm2-135m", "takes no prompts"}};
  for (const auto& [name, value, says] : mistakes) {
    const std::string before = settings.get(name);
    EXPECT_THAT([&] { settings.set(name, value, std::string("/") + name); },
                ThrowsMessage<UserError>(HasSubstr(says)))
        << name << " " << value;
    EXPECT_EQ(settings.get(name), before);
  }
}

TEST(DemoSettings, AMissingModelIsTold) {
  DemoSettings settings;
  settings.set("model", "/no/such/model.gguf", "--model");
  const Config config = settings.config("Why?");
  EXPECT_THAT([&] { settings.plan(config, {}); },
              ThrowsMessage<UserError>(HasSubstr("/no/such/model.gguf")));
}

} // namespace
} // namespace peakbench::suite
