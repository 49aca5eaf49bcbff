// The criteria of eab.md, measured on this machine.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/error.h"
#include "suite/eab_runner.h"
#include "suite/verify_checks.h"

namespace peakbench::suite {

namespace {

constexpr double kKvPerBound = 1.05; // eab.md

// float32, so that a tree is the same however it is decoded; a low threshold, so that any model
// branches; a second seed as the negative control of comparing trees.
constexpr const char* kConfiguration =
    "seed: [42, 43]\n"
    "repeats: {{warm_up: 0, min: 1, max: 1}}\n"
    "eab: {{model: \"{}\", dtype: float32, prompt_format: raw, arms: [original, cow], "
    "decode: [per_path, batched], max_new_tokens: 16, max_paths: 8, threshold: 0.05, "
    "prompts: {}}}";
constexpr const char* kText =
    "{text: [\"Once upon a time there was an old lighthouse at the end of a long road, and the "
    "keeper who lived in it had not spoken to anybody for a year. One day a letter came\"]}";
constexpr const char* kGenerated = // random weights have no tokenizer and no entropy to go by
    "{generate: {tokens: [40], count: 1}}, branching: {schedule: [3, 3]}";

std::string tree_of(const results::EabRow& row) {
  std::string text;
  for (const results::TraceNode& node : row.trace.nodes)
    text += fmt::format("{}:{}{} ", node.parent, node.token, node.branched ? "*" : "");
  return text;
}

std::string label_of(const results::EabCase& record) {
  return fmt::format("{}, {}", record.arm, record.decode);
}

const results::EabRow& find(const std::vector<results::EabRow>& rows, const std::string& arm,
                            const std::string& decode, std::int64_t seed) {
  for (const results::EabRow& row : rows)
    if (row.record.arm == arm && row.record.decode == decode && row.record.seed == seed)
      return row;
  throw std::logic_error("no case " + arm + " " + decode);
}

double kv_per_bound(const results::EabCase& record) {
  return static_cast<double>(record.kv_physical_bytes) / static_cast<double>(record.kv_bound_bytes);
}

} // namespace

Checks judge_eab(const std::vector<results::EabRow>& rows) {
  Checks checks;
  for (const results::EabRow& row : rows)
    if (row.record.status != "ok" || row.record.validity != "VALID") {
      checks.push_back({label_of(row.record), "a valid case",
                        row.record.status + " " + row.record.reason + row.record.validity, false});
      return checks; // the figures below would be missing
    }
  const std::int64_t seed = rows.front().record.seed;
  const results::EabRow& reference = find(rows, "original", "per_path", seed);
  const std::string tree = tree_of(reference);
  const results::EabCase& drawn = reference.record;
  checks.push_back({"the tree to compare with", "at least 1 branch and 2 samples",
                    fmt::format("{} branches, {} samples", drawn.branches, drawn.samples),
                    drawn.branches >= 1 && drawn.samples >= 2});

  const auto same_tree = [&](const results::EabRow& row) {
    return tree_of(row) == tree && row.record.tree_matches_reference == 1;
  };
  for (const auto& [arm, decode] :
       {std::pair{"cow", "per_path"}, {"original", "batched"}, {"cow", "batched"}}) {
    const results::EabRow& row = find(rows, arm, decode, seed);
    checks.push_back({fmt::format("tree of {} against original, per_path", label_of(row.record)),
                      "the same in every token", same_tree(row) ? "the same" : "another tree",
                      same_tree(row)});
  }
  for (const results::EabRow& row : rows)
    if (row.record.seed != seed) {
      const bool other = tree_of(row) != tree;
      checks.push_back(control(fmt::format("tree of {} with another seed", label_of(row.record)),
                               "the same in every token", other ? "another tree" : "the same",
                               other));
      break;
    }

  for (const char* decode : {"per_path", "batched"}) {
    const results::EabCase& cow = find(rows, "cow", decode, seed).record;
    const results::EabCase& original = find(rows, "original", decode, seed).record;
    const auto is_bound = [](const results::EabCase& record) {
      return kv_per_bound(record) <= kKvPerBound;
    };
    const auto ratio = [](const results::EabCase& record) {
      return fmt::format("{:.3f}", kv_per_bound(record));
    };
    const std::string goal = fmt::format("<= {:g}", kKvPerBound);
    checks.push_back({fmt::format("KV allocated by {} / least possible", label_of(cow)), goal,
                      ratio(cow), is_bound(cow)});
    checks.push_back(control(fmt::format("KV allocated by {} / least possible", label_of(original)),
                             goal, ratio(original), !is_bound(original)));
    const auto copied = [](const results::EabCase& record) {
      return fmt::format("{} bytes", record.kv_bytes_copied);
    };
    checks.push_back({fmt::format("KV copied by {}'s forks", label_of(cow)), "0 bytes", copied(cow),
                      cow.kv_bytes_copied == 0});
    checks.push_back(control(fmt::format("KV copied by {}'s forks", label_of(original)), "0 bytes",
                             copied(original), original.kv_bytes_copied > 0));
    checks.push_back({fmt::format("KV allocated by {}", label_of(cow)),
                      fmt::format("less than original's {} bytes", original.kv_physical_bytes),
                      fmt::format("{} bytes", cow.kv_physical_bytes),
                      cow.kv_physical_bytes < original.kv_physical_bytes});
  }
  return checks;
}

Checks check_eab(const std::string& model, c10::Device device) {
  const Config config = parse_config(
      fmt::format(kConfiguration, model, model.starts_with("synthetic:") ? kGenerated : kText),
      "verify", {});
  const Plan plan = make_plan(config);
  EabRunner runner(plan, config, device);
  std::vector<results::EabRow> rows;
  for (const EabPlanned& planned : plan.eab) {
    fmt::print(stderr, "verify eab: {} with seed {}\n", label_of(planned.record),
               planned.record.seed);
    rows.push_back(runner.run(planned));
  }
  return judge_eab(rows);
}

} // namespace peakbench::suite
