// What the measured trees would hold in models of published sizes: computed from shapes, and said
// to be so. Measured figures stand in columns of their own.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/model_shapes.h"
#include "report/eab_arms.h"
#include "report/sections.h"

namespace peakbench::report {

namespace {

using results::EabCase;

constexpr std::int64_t kElement = 2;             // bfloat16, as published
constexpr std::size_t kMostSettings = 8;         // beyond, only the one with the largest tree
constexpr std::string_view kFamily = "qwen2.5-"; // the sizes of the seed's experiments
constexpr std::string_view kExpectedSize = "qwen2.5-3b";

struct Expectation {
  std::string_view arm, megabytes; // the seed's, for a model of 3 B parameters
};
constexpr Expectation kExpected[] = {{"naive", "5-20"}, {"original", "50-100"}, {"cow", "30-60"}};
constexpr ArmDecode kArms[] = {{"naive", "per_path"},
                               {"naive_batched", "batched"},
                               {"original", "per_path"},
                               {"cow", "batched"}};

std::int64_t element_bytes(const EabCase& row) { return row.dtype == "float32" ? 4 : 2; }

bool has_shape(const EabCase& row, const ModelShape& shape) {
  return row.model_parameters == shape.parameters &&
         row.kv_bytes_per_token == shape.kv_bytes_per_token(element_bytes(row));
}

// What the arm's store has to hold at its greatest: copies of whole paths, or unique tokens.
double held_tokens(const EabCase& row) {
  const bool shared = row.arm == "cow";
  return real(shared ? row.kv_bound_bytes : row.kv_logical_bytes) / real(row.kv_bytes_per_token);
}

// Rows of one setting, of all models, with prompts of one length.
struct Setting {
  std::vector<std::string> cells;
  EabRows rows;
};

double largest_tree(const Setting& setting) {
  std::vector<double> tokens;
  for (const EabCase* row : setting.rows)
    if (const double held = held_tokens(*row); !std::isnan(held))
      tokens.push_back(held);
  return greatest(tokens);
}

std::vector<Setting> settings_of(const EabGrouping& grouping) {
  std::vector<Setting> settings;
  for (const auto& group : grouping.groups) {
    const EabRows rows = finished(group.rows);
    std::vector<Lengths> ranges = lengths_of(rows);
    if (!ranges.empty() && !lengths_vary(ranges))
      ranges = {{ranges.front().first, ranges.back().second}};
    for (const Lengths& lengths : ranges) {
      Setting setting{joined(group.setting, {text_of(lengths)}), rows_within(rows, lengths)};
      if (!std::isnan(largest_tree(setting)))
        settings.push_back(std::move(setting));
    }
  }
  return settings;
}

// The rows of the shape itself if it was measured, else those of the first model; of one type.
EabRows tree_rows(const EabRows& rows, const ModelShape& shape) {
  const auto own =
      std::ranges::find_if(rows, [&](const EabCase* row) { return has_shape(*row, shape); });
  const EabCase& first = own == rows.end() ? *rows.front() : **own;
  EabRows trees;
  std::ranges::copy_if(rows, std::back_inserter(trees), [&](const EabCase* row) {
    return row->model == first.model && row->dtype == first.dtype;
  });
  return trees;
}

// Models whose trees stand for shapes that were not measured.
std::string tree_models(const std::vector<Setting>& settings) {
  std::set<std::string> names;
  for (const Setting& setting : settings)
    names.insert(setting.rows.front()->model);
  return fmt::format("{}", fmt::join(names, ", "));
}

void add_rows(Table& table, const Setting& setting, const ModelShape& shape) {
  const EabRows trees = tree_rows(setting.rows, shape);
  const bool measured = has_shape(*trees.front(), shape);
  for (const ArmDecode& which : kArms) {
    const EabRows rows = rows_preferring(trees, which.arm, which.decode);
    const double tokens = median_over(rows, held_tokens);
    if (std::isnan(tokens))
      continue;
    const auto bytes = static_cast<double>(shape.kv_bytes_per_token(kElement));
    const auto expected = std::ranges::find(kExpected, which.arm, &Expectation::arm);
    const bool expects = shape.name == kExpectedSize && expected != std::end(kExpected);
    table.rows.push_back(
        joined(setting.cells, {std::string(shape.name), std::string(which.arm), whole(tokens),
                               number(bytes / 1000), number(tokens * bytes / kMegabyte),
                               expects ? std::string(expected->megabytes) : kNothing,
                               measured ? rows.front()->dtype : kNothing,
                               measured ? number(median_over(rows, kv_megabytes)) : kNothing,
                               measured ? number(median_over(rows, peak_megabytes)) : kNothing}));
  }
}

} // namespace

std::vector<Table> eab_memory_tables(const EabCases& cases) {
  std::vector<std::string_view> compared(std::begin(kEabCompared), std::end(kEabCompared));
  compared.insert(compared.end(), {"model", "weights", "dtype"});
  const EabGrouping grouping = group_rows(cases, compared);
  Table table =
      table_of("EAB: KV in models of published sizes, computed from their shapes", grouping,
               {{"prompt tokens", "", true},
                {"shape", "", true},
                {"arm", "", true},
                {"tokens held", ""},
                {"KV per token", "kB"},
                {"computed KV", "MB"},
                {"seed expects", "MB", true},
                {"measured in", "", true},
                {"measured KV", "MB"},
                {"measured peak", "MB"}});
  std::vector<Setting> settings = settings_of(grouping);
  const std::size_t all = settings.size();
  if (all > kMostSettings) {
    std::ranges::stable_sort(settings, std::ranges::greater{}, largest_tree);
    settings.resize(1);
    table.notes.push_back(
        fmt::format("Of {} settings and prompt lengths the one with the largest tree.", all));
  }
  for (const Setting& setting : settings)
    for (const ModelShape& shape : kModelShapes) {
      const auto own = [&](const EabCase* row) { return has_shape(*row, shape); };
      const bool sizes =
          shape.name.starts_with(kFamily) && (settings.size() == 1 || shape.name == kExpectedSize);
      if (sizes || std::ranges::any_of(setting.rows, own))
        add_rows(table, setting, shape);
    }
  table.notes.push_back(fmt::format(
      "Computed, not measured: the tokens that the arm's store holds at its greatest in the "
      "measured tree (whole paths; cow: unique tokens), times the keys and values of one token in "
      "bfloat16; kB = 1000 bytes. Trees: of the shape itself where it was measured, else of {}. "
      "The seed's expectation is for a model of 3 B parameters. Measured: only where the file "
      "holds a model of that shape; the peak is all beyond the weights.",
      tree_models(settings)));
  return {table};
}

} // namespace peakbench::report
