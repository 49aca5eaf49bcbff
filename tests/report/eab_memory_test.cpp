#include <gmock/gmock.h>

#include "report/examples.h"
#include "report/sections.h"

namespace peakbench::report {
namespace {

using namespace testing;

constexpr std::int64_t kBytes = 20; // per token of the example's model

// Trees of 100 tokens (naive), 2000 (original) and 300 (cow).
std::vector<EabCase> cases_of(const std::string& model, std::int64_t bytes_per_token,
                              std::int64_t parameters) {
  std::vector<EabCase> cases;
  for (const auto& [arm, decode, tokens] :
       std::vector<std::tuple<std::string, std::string, std::int64_t>>{
           {"naive", "per_path", 100}, {"original", "per_path", 2000}, {"cow", "batched", 300}}) {
    EabCase row = eab_case(arm, decode, "a", 1, 77000000);
    row.model = model;
    row.dtype = "bfloat16";
    row.kv_bytes_per_token = bytes_per_token;
    row.model_parameters = parameters;
    row.kv_bound_bytes = (arm == "original" ? 300 : tokens) * bytes_per_token;
    row.kv_logical_bytes = (arm == "cow" ? 2000 : tokens) * bytes_per_token;
    row.kv_physical_bytes = tokens * bytes_per_token;
    cases.push_back(row);
  }
  return cases;
}

Table memory_table(const std::vector<EabCase>& cases) { return eab_memory_tables(cases).front(); }

TEST(EabMemoryTest, TokensOfTheTreeTimesBytesOfTheShape) {
  const Table table = memory_table(cases_of("small.gguf", kBytes, 1000));
  EXPECT_EQ(table.rows.size(), 4u * 3); // the Qwen2.5 sizes
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "naive"}, "tokens held"), "100");
  // 36 layers x 2 x 2 heads x 128 x 2 bytes
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "naive"}, "KV per token"), "36.86");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "naive"}, "computed KV"), "3.686");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "original"}, "computed KV"), "73.73");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "cow"}, "computed KV"), "11.06");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "naive"}, "seed expects"), "5-20");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "original"}, "seed expects"), "50-100");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "cow"}, "seed expects"), "30-60");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-7b", "cow"}, "seed expects"), "-");
  // 24 layers x 2 x 2 heads x 64 x 2 bytes
  EXPECT_EQ(cell(table, {"50", "qwen2.5-0.5b", "cow"}, "computed KV"), "3.686");
  for (const auto& row : table.rows)
    EXPECT_EQ(row.at(column_of(table, "measured peak")), "-") << "nothing of these was measured";
  EXPECT_TRUE(has_note(table, "Computed, not measured"));
  EXPECT_TRUE(has_note(table, "else of small.gguf"));
}

TEST(EabMemoryTest, AShapeThatWasMeasuredStandsForItself) {
  auto cases = cases_of("small.gguf", kBytes, 1000);
  for (EabCase row : cases_of("models/Qwen-3B", 36864, 3085938688)) {
    row.kv_logical_bytes *= 2; // another tree
    cases.push_back(row);
  }
  const Table table = memory_table(cases);
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "naive"}, "tokens held"), "200");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "cow"}, "tokens held"), "300");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "naive"}, "measured in"), "bfloat16");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "naive"}, "measured KV"), "3.686");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-3b", "naive"}, "measured peak"), "77.00");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-7b", "naive"}, "tokens held"), "100");
  EXPECT_EQ(cell(table, {"50", "qwen2.5-7b", "naive"}, "measured peak"), "-");
}

TEST(EabMemoryTest, FloatsAreOfTheSameShape) {
  auto cases = cases_of("synthetic:smollm2-135m", 2 * 23040, 134515008);
  for (EabCase& row : cases)
    row.dtype = "float32";
  const Table table = memory_table(cases);
  EXPECT_EQ(cell(table, {"50", "smollm2-135m", "cow"}, "measured in"), "float32");
  EXPECT_EQ(cell(table, {"50", "smollm2-135m", "cow"}, "computed KV"), "6.912"); // in bfloat16
  EXPECT_EQ(cell(table, {"50", "smollm2-135m", "cow"}, "measured KV"), "13.82");
}

TEST(EabMemoryTest, SeveralSettingsShowTheExpectedSizeManyTheLargestTree) {
  std::vector<EabCase> cases;
  for (std::int64_t paths = 1; paths <= 9; ++paths) {
    for (EabCase row : cases_of("small.gguf", kBytes, 1000)) {
      row.max_paths = paths;
      row.kv_logical_bytes += (paths == 4 ? 1 : 0) * kBytes;
      cases.push_back(row);
    }
    const Table table = memory_table(cases);
    if (paths < 9) {
      EXPECT_EQ(table.rows.size(), static_cast<std::size_t>(paths == 1 ? 12 : 3 * paths));
    } else {
      ASSERT_EQ(table.rows.size(), 12u);
      EXPECT_EQ(cell(table, {"4", "50", "qwen2.5-3b", "original"}, "tokens held"), "2001");
      EXPECT_TRUE(has_note(table, "Of 9 settings"));
    }
  }
}

TEST(EabMemoryTest, PromptsOfAboutOneLengthAreOneTree) {
  auto cases = cases_of("small.gguf", kBytes, 1000);
  for (EabCase row : cases_of("small.gguf", kBytes, 1000)) {
    row.prompt_id = "b";
    row.prompt_tokens = 90;
    cases.push_back(row);
  }
  EXPECT_EQ(memory_table(cases).rows.size(), 12u);
  EXPECT_EQ(cell(memory_table(cases), {"50-90", "qwen2.5-3b", "cow"}, "tokens held"), "300");
  for (EabCase& row : cases)
    row.prompt_tokens += row.prompt_id == "b" ? 10 : 0;
  EXPECT_EQ(memory_table(cases).rows.size(), 6u) << "two lengths";
}

TEST(EabMemoryTest, NothingFromFilesWithoutBytesPerToken) {
  EXPECT_TRUE(memory_table(eab_cases()).rows.empty());
}

} // namespace
} // namespace peakbench::report
