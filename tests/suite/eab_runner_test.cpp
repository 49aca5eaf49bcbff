// Cases through plan and runner, on the small model: what their records say.
#include "suite/eab_runner.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <stdexcept>

#include "base/error.h"
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

Config config_of(const std::filesystem::path& shared, const std::string& prompt,
                 const std::string& arms) {
  at::set_num_threads(1);
  return parse_config("repeats: {warm_up: 0, min: 1, max: 1}\neab:\n  model: " + stories(shared) +
                          "\n  dtype: float32\n  prompt_format: raw\n  max_new_tokens: 12\n"
                          "  max_paths: 6\n  threshold: 0.15\n  prompts: {text: [" +
                          prompt + "]}\n  arms: " + arms + "\n",
                      "c.yaml", {});
}

results::EabRow run_case(EabRunner& runner, const Plan& plan, const std::string& arm,
                         const std::string& decode) {
  for (const EabPlanned& planned : plan.eab)
    if (planned.record.arm == arm && planned.record.decode == decode)
      return runner.run(planned);
  throw std::runtime_error("no such case");
}

std::string texts(const results::EabRow& row) {
  std::string all;
  for (const results::TraceSample& sample : row.trace.samples)
    all += sample.text + "\n";
  return all;
}

TEST(EabRunner, GoesOnWithAnotherPlanAndTheSameModel) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const Config first = config_of(shared, "Once upon a time", "[cow]");
  const Config second = config_of(shared, "The dog was", "[cow, naive]");
  const Plan plan = make_plan(first), next = make_plan(second, plan.models);
  EXPECT_EQ(plan.models[0].source, next.models[0].source);
  EabRunner runner(plan, first, c10::kCPU);
  run_case(runner, plan, "cow", "batched");
  const double load_seconds = runner.load_seconds();
  EXPECT_GT(load_seconds, 0);
  runner.go_on_with(next, second);
  const results::EabRow kept = run_case(runner, next, "naive", "per_path");
  EXPECT_EQ(runner.load_seconds(), load_seconds);

  // As if nothing had been before.
  const Plan alone = make_plan(second);
  EabRunner fresh(alone, second, c10::kCPU);
  const results::EabRow expected = run_case(fresh, alone, "naive", "per_path");
  EXPECT_EQ(kept.record.status, "ok");
  EXPECT_EQ(kept.record.samples, expected.record.samples);
  EXPECT_EQ(kept.record.peak_bytes, expected.record.peak_bytes);
  EXPECT_EQ(texts(kept), texts(expected));
}

TEST(EabRunner, MakesReferencesOnlyWhereTheyAreWanted) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const Config config = config_of(shared, "Once upon a time", "[cow, original]");
  const Plan plan = make_plan(config);
  EabRunner wanted(plan, config, c10::kCPU);
  EXPECT_EQ(run_case(wanted, plan, "cow", "batched").record.tree_matches_reference, 1);
  EabRunner not_wanted(plan, config, c10::kCPU, {.make_references = false});
  EXPECT_EQ(run_case(not_wanted, plan, "cow", "batched").record.tree_matches_reference,
            results::kAbsent);
  run_case(not_wanted, plan, "original", "per_path");
  EXPECT_EQ(run_case(not_wanted, plan, "cow", "batched").record.tree_matches_reference, 1);
}

TEST(EabRunner, IsStoppedWithinACase) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const Config config = config_of(shared, "Once upon a time", "[cow]");
  const Plan plan = make_plan(config);
  int steps = 0;
  EabRunner runner(plan, config, c10::kCPU,
                   {.make_references = false, .stopped = [&] { return ++steps == 5; }});
  EXPECT_THROW(run_case(runner, plan, "cow", "batched"), Interrupted);
  EXPECT_EQ(steps, 5);
  EXPECT_EQ(run_case(runner, plan, "cow", "batched").record.status, "ok"); // and goes on after it
}

TEST(EabRunner, KnowsTheTextOfEveryToken) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const Config config = config_of(shared, "Once upon a time", "[cow]");
  const Plan plan = make_plan(config);
  EabRunner runner(plan, config, c10::kCPU, {.make_references = false});
  const results::EabTrace trace = run_case(runner, plan, "cow", "batched").trace;
  std::map<std::int32_t, std::string> known;
  for (const results::TokenText& one : trace.tokens)
    known[one.token] = one.text;
  // A sample's text is that of its tokens.
  for (const results::TraceSample& sample : trace.samples) {
    std::string text;
    for (std::int32_t node = sample.leaf; node >= 0;
         node = trace.nodes[static_cast<std::size_t>(node)].parent)
      text = known.at(trace.nodes[static_cast<std::size_t>(node)].token) + text;
    EXPECT_EQ(text.substr(0, sample.text.size()), sample.text);
  }
}

TEST(DropEabCases, TheHashFollows) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const Config config = config_of(shared, "Once upon a time", "[cow, original]");
  Plan plan = make_plan(config);
  const std::string before = plan.hash;
  drop_eab_cases(plan, config, [](const EabPlanned& one) { return one.record.arm == "cow"; });
  EXPECT_EQ(plan.cases.size(), 2u);
  EXPECT_EQ(plan.hash, make_plan(config_of(shared, "Once upon a time", "[original]")).hash);
  EXPECT_NE(plan.hash, before);
  EXPECT_THROW(drop_eab_cases(plan, config, [](const EabPlanned&) { return true; }), UserError);
}

} // namespace
} // namespace peakbench::suite
