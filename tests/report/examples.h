// Runs with figures chosen by hand, so that every cell of a table can be told in advance.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>

#include "report/report.h"
#include "results/fields.h"

namespace peakbench::report::testing {

using results::EabCase;
using results::EpCase;

inline EabCase eab_case(const std::string& arm, const std::string& decode,
                        const std::string& prompt, double wall_seconds, std::int64_t peak_bytes) {
  EabCase row;
  row.model = "models/example.gguf";
  row.weights = "file";
  row.prompt_id = prompt;
  row.prompt_hash = "hash-" + prompt;
  row.arm = arm;
  row.decode = decode;
  row.dtype = "float32";
  row.max_paths = 20;
  row.seed = 42;
  row.case_id = results::case_id_of(row);
  row.status = "ok";
  row.validity = "VALID";
  row.prompt_tokens = 50;
  row.samples = 20;
  row.branches = 7;
  row.wall_seconds = wall_seconds;
  row.wall_seconds_lower = 0.99 * wall_seconds;
  row.wall_seconds_upper = 1.01 * wall_seconds;
  row.repeats = 10;
  row.memory_repeats = 1;
  row.peak_bytes = peak_bytes;
  row.kv_physical_bytes = peak_bytes / 2;
  row.kv_bound_bytes = peak_bytes / 4;
  row.kv_bytes_copied = 0;
  row.prefill_tokens = 50;
  row.decode_forwards = 950;
  row.published_token_steps = 900;
  return row;
}

inline EpCase ep_case(const std::string& arm, std::int64_t depth, double step_seconds,
                      std::int64_t beyond_weights) {
  EpCase row;
  row.arm = arm;
  row.depth = depth;
  row.width = 128;
  row.steps = 30;
  row.seed = 42;
  row.case_id = results::case_id_of(row);
  row.status = "ok";
  row.validity = "VALID";
  row.step_seconds = step_seconds;
  row.step_seconds_lower = 0.95 * step_seconds;
  row.step_seconds_upper = 1.01 * step_seconds;
  row.repeats = 10;
  row.memory_repeats = 1;
  row.weights_bytes = depth * 66048;
  row.peak_beyond_weights_bytes = beyond_weights;
  row.peak_bytes = row.weights_bytes + beyond_weights;
  row.peak.gradients = beyond_weights - 1000000;
  row.peak.workspace = 1000000;
  row.reach = std::min<std::int64_t>(depth, arm == "backprop" ? depth : 30);
  row.gradient_error = 1e-6;
  return row;
}

inline const Table& table_with(const std::vector<Table>& tables, const std::string& part_of_title) {
  for (const Table& table : tables)
    if (table.title.find(part_of_title) != std::string::npos)
      return table;
  throw std::runtime_error("no table " + part_of_title);
}

inline std::size_t column_of(const Table& table, const std::string& title) {
  for (std::size_t index = 0; index < table.columns.size(); ++index)
    if (table.columns[index].title == title)
      return index;
  throw std::runtime_error("no column " + title);
}

// The cell in the row whose first cells are `key`, e.g. {"cow", "batched"}.
inline std::string cell(const Table& table, const std::vector<std::string>& key,
                        const std::string& title) {
  for (const auto& row : table.rows)
    if (std::equal(key.begin(), key.end(), row.begin()))
      return row.at(column_of(table, title));
  throw std::runtime_error("no row " + key.front());
}

inline bool has_note(const Table& table, const std::string& part) {
  return std::ranges::any_of(
      table.notes, [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

// Three prompts of each arm, known ratios between them.
inline std::vector<EabCase> eab_cases() {
  std::vector<EabCase> cases;
  const std::vector<std::pair<std::string, double>> prompts{{"a", 1.0}, {"b", 2.0}, {"c", 3.0}};
  for (const auto& [prompt, scale] : prompts) {
    const auto bytes = [&](double megabytes) {
      return static_cast<std::int64_t>(megabytes * scale * 1e6);
    };
    cases.push_back(eab_case("naive", "per_path", prompt, 10 * scale, bytes(5)));
    cases.push_back(eab_case("naive_batched", "batched", prompt, 4 * scale, bytes(80)));
    cases.push_back(eab_case("original", "per_path", prompt, 8 * scale, bytes(100)));
    cases.push_back(eab_case("cow", "batched", prompt, 2 * scale, bytes(20)));
    cases.push_back(eab_case("cow", "per_path", prompt, 7 * scale, bytes(25)));
    cases[cases.size() - 2].tree_matches_reference = 1;
  }
  return cases;
}

// 0.2 MB/layer, flat, and a straight line with an offset below depth 50.
inline std::vector<EpCase> ep_cases() {
  std::vector<EpCase> cases;
  for (const std::int64_t depth : {10, 50, 100, 200, 500}) {
    const auto layers = static_cast<double>(depth);
    cases.push_back(ep_case("ep_autograd", depth, 2e-3 * layers, 200000 * depth));
    cases.push_back(
        ep_case("backprop", depth, 1e-4 * layers, depth < 50 ? 77 : 3000000 + 133100 * depth));
    cases.push_back(ep_case("ep_fused", depth, 1e-3, 5000000));
    cases.push_back(ep_case("truncated_backprop", depth, 2e-3, 4000000));
  }
  return cases;
}

inline results::RunData example_run() {
  results::RunData run;
  run.path = "run.h5";
  run.info.name = "example";
  run.eab = eab_cases();
  run.ep = ep_cases();
  return run;
}

} // namespace peakbench::report::testing
