// Cases through plan and runner, on the small model: what their records say.
#include "suite/eab_runner.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "support/support.h"

namespace peakbench::suite {
namespace {

std::vector<results::EabRow> run_all(const std::string& eab) {
  at::set_num_threads(1);
  const Config config = parse_config(
      "repeats: {warm_up: 0, min: 1, max: 1}\neab: {dtype: float32, prompt_format: raw, " + eab +
          "}",
      "test.yaml", {});
  const Plan plan = make_plan(config);
  EabRunner runner(plan, config, at::kCPU);
  std::vector<results::EabRow> rows;
  for (const EabPlanned& planned : plan.eab)
    rows.push_back(runner.run(planned));
  return rows;
}

std::string stories(const std::filesystem::path& shared) {
  return (shared / "data/models/stories260k/stories260K.bin").string();
}

TEST(EabRunner, TimesOfAPassArePartsOfTheWhole) {
  PEAKBENCH_NEEDS_SHARED(shared);
  for (const results::EabRow& row :
       run_all(fmt::format("model: {}, prompts: {{text: [Once upon a time]}}, max_new_tokens: 10",
                           stories(shared)))) {
    const results::EabCase& r = row.record;
    EXPECT_EQ(r.status, "ok") << r.reason;
    EXPECT_EQ(r.validity, "VALID");
    EXPECT_GT(r.product_seconds, 0);
    EXPECT_GT(r.attention_seconds, 0);
    EXPECT_LT(r.product_seconds + r.attention_seconds + r.sampling_seconds, r.wall_seconds);
    EXPECT_DOUBLE_EQ(r.tokens_per_second, static_cast<double>(r.emitted_tokens) / r.wall_seconds);
    EXPECT_EQ(r.prompts_per_step, 1);
    EXPECT_EQ(row.trace.prompt_lengths,
              (std::vector<std::int32_t>{static_cast<std::int32_t>(r.prompt_tokens)}));
  }
}

TEST(EabRunner, PromptsDecodedTogetherGiveTheTreesThatTheyGiveAlone) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const auto rows = run_all(fmt::format(
      "model: {}, prompts: {{text: [Once upon a time, Lily saw a cat. The cat, Tim had a ball]}}, "
      "max_new_tokens: 12, decode: batched, prompts_per_step: [1, 3], "
      "arms: [naive_batched, original, cow]",
      stories(shared)));
  std::map<std::string, results::EabRow> together;
  std::map<std::string, std::vector<results::EabRow>> alone;
  for (const results::EabRow& row : rows) {
    EXPECT_EQ(row.record.status, "ok") << row.record.reason;
    EXPECT_EQ(row.record.validity, "VALID");
    if (row.record.prompts_per_step == 3)
      together[row.record.arm] = row;
    else
      alone[row.record.arm].push_back(row);
  }
  ASSERT_EQ(together.size(), 3U);
  for (const auto& [arm, row] : together) {
    EXPECT_EQ(row.record.prompt_id, "text-1+text-2+text-3");
    EXPECT_EQ(row.record.tree_matches_reference, arm == "naive_batched" ? -1 : 1);
    EXPECT_EQ(row.trace.prompt_lengths.size(), 3U);
    std::int64_t samples = 0, forwards = 0;
    std::size_t node = 0;
    for (std::int32_t prompt = 0; prompt < 3; ++prompt) {
      const results::EabRow& one = alone[arm].at(static_cast<std::size_t>(prompt));
      samples += one.record.samples;
      forwards += one.record.decode_forwards;
      const auto first = static_cast<std::int32_t>(node);
      for (const results::TraceNode& expected : one.trace.nodes) {
        const results::TraceNode& got = row.trace.nodes.at(node++);
        EXPECT_EQ(got.prompt, prompt);
        EXPECT_EQ(got.token, expected.token);
        EXPECT_EQ(got.parent, expected.parent < 0 ? -1 : expected.parent + first);
        EXPECT_NEAR(got.entropy, expected.entropy, 1e-4);
      }
    }
    EXPECT_EQ(row.trace.nodes.size(), node);
    EXPECT_EQ(row.record.samples, samples);
    EXPECT_EQ(row.record.decode_forwards, forwards);
  }
}

} // namespace
} // namespace peakbench::suite
