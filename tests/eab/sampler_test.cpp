#include "eab/sampler.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "measure/memory.h"

namespace peakbench::eab {
namespace {

constexpr std::int64_t kVocabulary = 2000;

at::Tensor logits(std::int64_t rows) {
  at::manual_seed(1);
  return at::randn({rows, kVocabulary}) * 3;
}

std::vector<DrawnToken> draw_one(const at::Tensor& rows, std::int64_t row, Lineage lineage,
                                 std::int64_t position, const Settings& settings = {}) {
  Sampler sampler(settings);
  const DrawSource source{row, lineage};
  sampler.read(rows, position, {&source, 1});
  return sampler.draw(0, 3).tokens;
}

bool same(const std::vector<DrawnToken>& a, const std::vector<DrawnToken>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.token == y.token && x.log_prob == y.log_prob && x.perturbed == y.perturbed;
  });
}

TEST(Sampler, ARowGivesTheSameDrawWhateverItsBatch) {
  const at::Tensor rows = logits(7);
  std::vector<DrawSource> sources;
  for (std::int64_t i = 0; i < 7; ++i)
    sources.push_back({6 - i, static_cast<Lineage>(100 + i)});
  for (const Settings& settings : {Settings{}, Settings{.top_k = 40, .top_p = 0.9}}) {
    Sampler sampler(settings);
    sampler.read(rows, 3, sources);
    for (std::size_t i = 0; i < 7; ++i) {
      const auto row = static_cast<std::int64_t>(6 - i);
      const auto lineage = static_cast<Lineage>(100 + i);
      const std::vector<DrawnToken> batched = sampler.draw(i, 3).tokens;
      const at::Tensor alone = rows.narrow(0, row, 1).clone();
      EXPECT_TRUE(same(batched, draw_one(alone, 0, lineage, 3, settings)));
      // The random numbers belong to the path and the position, not to the row.
      EXPECT_FALSE(same(batched, draw_one(alone, 0, lineage + 1, 3, settings)));
      EXPECT_FALSE(same(batched, draw_one(alone, 0, lineage, 4, settings)));
    }
  }
}

TEST(Sampler, SeveralDrawsMayShareARow) {
  Sampler sampler(Settings{});
  const std::vector<DrawSource> sources = {{0, 1}, {0, 2}, {0, 3}};
  sampler.read(logits(1), 0, sources);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_TRUE(same(sampler.draw(i, 3).tokens, draw_one(logits(1), 0, sources[i].lineage, 0)));
  EXPECT_FALSE(same(sampler.draw(0, 3).tokens, sampler.draw(1, 3).tokens));
}

TEST(Sampler, ANaNDiverges) {
  at::Tensor rows = logits(3);
  rows[1][1999] = std::numeric_limits<float>::quiet_NaN();
  Sampler sampler(Settings{});
  const std::vector<DrawSource> sources = {{0, 1}, {1, 2}, {2, 3}};
  EXPECT_THROW(sampler.read(rows, 0, sources), Diverged);
}

TEST(Sampler, KeepsNothingOnceCleared) {
  measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU);
  Sampler sampler(Settings{});
  const DrawSource source{0, 1};
  const measure::MemoryScope scope(memory);
  sampler.read(at::zeros({4, kVocabulary}), 0, {&source, 1});
  EXPECT_GT(scope.read().live_bytes, 4 * kVocabulary * 4);
  sampler.clear();
  EXPECT_EQ(scope.read().live_bytes, 0);
}

} // namespace
} // namespace peakbench::eab
