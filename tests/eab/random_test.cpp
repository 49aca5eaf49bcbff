#include "eab/random.h"

#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace peakbench::eab {
namespace {

// Known answer of Random123's own test vectors (kat_vectors: philox4x32 10, key and counter of pi).
TEST(Philox, IsTheReferenceGenerator) {
  const r123::Philox4x32::ctr_type counter = {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
  const r123::Philox4x32::key_type key = {{0xa4093822, 0x299f31d0}};
  const r123::Philox4x32::ctr_type words = r123::Philox4x32()(counter, key);
  EXPECT_EQ(words[0], 0xd16cfe09U);
  EXPECT_EQ(words[1], 0x94fdccebU);
  EXPECT_EQ(words[2], 0x5001e420U);
  EXPECT_EQ(words[3], 0x24126ea1U);
}

TEST(RandomKey, EveryPartOfKeyAndCounterMatters) {
  std::set<double> values;
  const auto add = [&](std::uint64_t seed, std::uint64_t prompt, Lineage lineage,
                       std::int64_t position, std::uint32_t index) {
    for (const double u : RandomKey(seed, prompt).uniforms(lineage, position, index)) {
      EXPECT_GT(u, 0);
      EXPECT_LT(u, 1);
      values.insert(u);
    }
  };
  add(1, 2, 3, 4, 5);
  add(2, 2, 3, 4, 5);
  add(1, 3, 3, 4, 5);
  add(1, 2, 4, 4, 5);
  add(1, 2, 3ULL << 32, 4, 5);
  add(1, 2, 3, 5, 5);
  add(1, 2, 3, 4, 6);
  EXPECT_EQ(values.size(), 14U);
  add(1, 2, 3, 4, 5); // the same again: no new value
  EXPECT_EQ(values.size(), 14U);
}

TEST(Lineage, TellsParentsPositionsTokensAndSamplesApart) {
  std::set<Lineage> seen{kRootLineage};
  std::size_t count = 1;
  for (Lineage parent : {Lineage{0}, Lineage{1}})
    for (std::int64_t position = 0; position < 20; ++position)
      for (std::int32_t token = 0; token < 20; ++token, ++count)
        seen.insert(child_lineage(parent, position, token));
  for (std::int64_t i = 0; i < 20; ++i, ++count)
    seen.insert(sample_lineage(i));
  EXPECT_EQ(seen.size(), count);
}

// Mean 0.5772 (Euler's constant), variance pi^2 / 6; five standard errors.
TEST(Gumbel, HasTheRightMoments) {
  const RandomKey key(7, 8);
  const int count = 200000;
  double sum = 0;
  double squares = 0;
  for (std::uint32_t i = 0; i < count / 2; ++i)
    for (const double u : key.uniforms(9, 10, i)) {
      sum += gumbel(u);
      squares += gumbel(u) * gumbel(u);
    }
  const double mean = sum / count;
  EXPECT_NEAR(mean, 0.5772156649, 5 * std::sqrt(1.6449 / count));
  EXPECT_NEAR(squares / count - mean * mean, 1.6449340668, 0.05);
}

} // namespace
} // namespace peakbench::eab
