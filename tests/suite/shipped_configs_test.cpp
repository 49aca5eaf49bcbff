// Every configuration that ships can be read, and the published axes have the published values.
#include <gmock/gmock.h>

#include <set>

#include "base/error.h"
#include "suite/config.h"
#include "suite/plan.h"
#include "support/support.h"

namespace peakbench::suite {
namespace {

namespace fs = std::filesystem;
using peakbench::testing::source_folder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

std::string path_of(const std::string& name) {
  return (source_folder() / "configs" / (name + ".yaml")).string();
}
EabConfig eab_of(const std::string& name) { return *read_config(path_of(name), {}).eab; }

TEST(ShippedConfigs, AllCanBeReadAndAreNamedAfterTheirFile) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(source_folder() / "configs")) {
    if (entry.path().extension() != ".yaml")
      continue;
    const Config config = read_config(entry.path().string(), {});
    EXPECT_EQ(config.name, entry.path().stem().string());
    ++count;
  }
  EXPECT_GE(count, 14u);
}

TEST(ShippedConfigs, AxesHaveThePublishedValues) {
  EXPECT_THAT(eab_of("eab_prompt_length").prompts.generate_tokens, ElementsAre(50, 100, 200, 500));
  EXPECT_THAT(eab_of("eab_generation_length").max_new_tokens, ElementsAre(10, 30, 50, 100));
  EXPECT_THAT(eab_of("eab_branch_factor").branch_factor, ElementsAre(2, 3, 5, 7));
  EXPECT_THAT(eab_of("eab_max_paths").max_paths, ElementsAre(5, 10, 20, 50));
  EXPECT_THAT(eab_of("eab_temperature").temperature, ElementsAre(0.5, 0.7, 0.9, 1.1, 1.3));
  EXPECT_EQ(eab_of("eab_threshold_grid").threshold.size(), 5u);
  EXPECT_THAT(eab_of("eab_scale").max_paths, ElementsAre(64));
  EXPECT_THAT(eab_of("eab_scale").prompts.generate_tokens, ElementsAre(1000, 4000));
  EXPECT_EQ(eab_of("eab_model_size").model.size(), 4u);
  EXPECT_EQ(eab_of("eab_synthetic_sizes").model.front(), "synthetic:qwen2.5-0.5b");
  for (const char* name : {"eab_prompt_length", "eab_domain", "eab_branch_factor", "eab_max_paths"})
    EXPECT_THAT(eab_of(name).budget, ElementsAre("published")) << name;
}

TEST(ShippedConfigs, PublishedExperimentsRunOnTheModelOfTheSetup) {
  PEAKBENCH_NEEDS_SMOLLM2(model);
  SCOPED_TRACE(model);
  std::set<std::string> domains;
  for (const auto& [name, cases] : std::vector<std::pair<std::string, std::size_t>>{
           {"eab_prompt_length", 4 * 2 * 7}, // lengths x prompts x arms and decodes
           {"eab_sample_count", 4 * 3 * 7},
           {"eab_domain", 18 * 7},
           {"eab_generation_length", 4 * 3 * 7},
           {"eab_branch_factor", 4 * 3 * 7},
           {"eab_max_paths", 4 * 3 * 7},
           {"eab_temperature", 5 * 3 * 7},
           {"eab_threshold_grid", 5 * 5 * 4},
           {"eab_scale", 2 * 3}}) {
    const Plan plan = make_plan(read_config(path_of(name), {}));
    EXPECT_EQ(plan.cases.size(), cases) << name;
    for (const EabPlanned& one : plan.eab)
      if (name == "eab_domain")
        domains.insert(one.record.domain);
  }
  EXPECT_THAT(domains, ElementsAre("code", "creative", "factual"));
}

TEST(ShippedConfigs, WhatTheUserMustBringIsNamed) {
  EXPECT_THAT([] { make_plan(read_config(path_of("eab_model_size"), {})); },
              ThrowsMessage<UserError>(HasSubstr("models/Qwen2.5-0.5B-Instruct")));
  PEAKBENCH_NEEDS_SMOLLM2(model);
  SCOPED_TRACE(model);
  EXPECT_THAT([] { make_plan(read_config(path_of("eab_ambiguity"), {})); },
              ThrowsMessage<UserError>(AllOf(HasSubstr("ratings.csv: no such prompt file"),
                                             HasSubstr("prompt,rating"))));
}

TEST(ShippedConfigs, RatingsReachTheRecordsAndThePlansHash) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const peakbench::testing::ScratchFolder scratch;
  const auto plan_with = [&](const std::string& rating) {
    peakbench::testing::write_file(scratch / "r.csv", "prompt,rating\nWhy?," + rating + "\n");
    return make_plan(read_config(
        path_of("eab_ambiguity"),
        {"eab.prompts=" + (scratch / "r.csv").string(), "eab.prompt_format=raw",
         "eab.model=" + (shared / "data/models/stories260k/stories260K.bin").string()}));
  };
  const Plan low = plan_with("1"), high = plan_with("5");
  EXPECT_EQ(low.eab.at(0).record.prompt_rating, 1);
  EXPECT_EQ(low.cases.at(0).id, high.cases.at(0).id) << "a rating changes nothing that is measured";
  EXPECT_NE(low.hash, high.hash) << "but old and new ratings do not mix in one file";
  EXPECT_EQ(plan_with("1").hash, low.hash);
}

} // namespace
} // namespace peakbench::suite
