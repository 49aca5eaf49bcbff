// Sampling from logits on a GPU against the same logits on the CPU.
#include "eab/sampler.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace peakbench::eab {
namespace {

class GpuSampler : public ::testing::Test {
protected:
  void SetUp() override {
    if (!at::hasCUDA())
      GTEST_SKIP() << "needs a GPU that CUDA can use (at::hasCUDA() is false)";
  }
};

TEST_F(GpuSampler, BlockSumsAreTheCpus) {
  for (const std::int64_t vocabulary : {2, 255, 256, 257, 49152, 151936}) {
    at::Tensor logits = at::randn({5, vocabulary}) * 4;
    logits[1][0] = -std::numeric_limits<float>::infinity();
    const at::Tensor expected = kernels::token_block_sums(logits, 1.25F);
    const at::Tensor found = kernels::token_block_sums(logits.cuda(), 1.25F);
    EXPECT_TRUE(at::allclose(found, expected, 1e-5, 1e-5)) << vocabulary;
    // Negative control: another temperature shows.
    EXPECT_FALSE(
        at::allclose(kernels::token_block_sums(logits.cuda(), 1.26F), expected, 1e-5, 1e-5));
  }
  at::Tensor bad = at::zeros({1, 600});
  bad[0][300] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor sums = kernels::token_block_sums(bad.cuda(), 1);
  EXPECT_TRUE(sums[0][1][0].isnan().item<bool>());
  EXPECT_FALSE(sums[0][0][0].isnan().item<bool>());
}

TEST_F(GpuSampler, DrawsAreTheCpus) {
  std::vector<DrawSource> sources;
  for (std::int64_t i = 0; i < 20; ++i)
    sources.push_back({i, static_cast<Lineage>(i)});
  const at::Tensor logits = at::randn({20, 50001}) * 3;
  for (const Settings& settings :
       {Settings{}, Settings{.top_k = 50, .top_p = 0.9}, Settings{.temperature = 0.005}}) {
    Sampler cpu(settings);
    Sampler gpu(settings);
    cpu.read(logits, 2, sources);
    gpu.read(logits.cuda(), 2, sources);
    for (std::size_t i = 0; i < sources.size(); ++i) {
      EXPECT_NEAR(cpu.distribution(i).entropy, gpu.distribution(i).entropy, 1e-6);
      EXPECT_EQ(cpu.distribution(i).support, gpu.distribution(i).support);
      // More than the blocks fetched in advance, too.
      for (const std::int64_t count : {1, 3, 9}) {
        const Draw a = cpu.draw(i, count);
        const Draw b = gpu.draw(i, count);
        ASSERT_EQ(a.tokens.size(), b.tokens.size());
        if (a.gap < 1e-4)
          continue;
        for (std::size_t t = 0; t < a.tokens.size(); ++t) {
          EXPECT_EQ(a.tokens[t].token, b.tokens[t].token);
          EXPECT_NEAR(a.tokens[t].log_prob, b.tokens[t].log_prob, 1e-4);
        }
      }
    }
  }
}

} // namespace
} // namespace peakbench::eab
