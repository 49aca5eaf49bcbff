#include "llm/model.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/llm/tiny_model.h"

namespace peakbench::llm {
namespace {

class ModelGpu : public ::testing::Test {
protected:
  void SetUp() override {
    if (!at::hasCUDA())
      GTEST_SKIP() << "needs a GPU that CUDA can use (at::hasCUDA() is false)";
  }
};

TEST_F(ModelGpu, EqualsThePlainForwardPass) {
  const testing::TinySource source(testing::tiny_config());
  std::vector<std::int32_t> tokens(50);
  for (std::size_t i = 0; i < tokens.size(); ++i)
    tokens[i] = static_cast<std::int32_t>((i * 31 + 5) % 67);
  const at::Tensor right = source.logits(tokens);
  for (const auto& [dtype, tolerance] :
       {std::pair{at::kFloat, 1e-3}, {at::kBFloat16, 0.5}, {at::kHalf, 0.1}})
    for (const KvKind kind : {KvKind::dense, KvKind::shared}) {
      const Model model(source, dtype, at::Device(at::kCUDA, 0));
      const auto store = model.make_kv_store(kind);
      std::vector<PathId> paths{store->create()};
      const std::span<const std::int32_t> all(tokens);
      at::Tensor logits = model.prefill(all.first(40), *store, paths);
      for (int i = 1; i < 4; ++i)
        paths.push_back(store->fork(paths.front()));
      for (std::size_t i = 40; i < tokens.size(); ++i)
        logits = model.step(std::vector<std::int32_t>(paths.size(), tokens[i]), *store, paths);
      EXPECT_EQ(logits.scalar_type(), at::kFloat);
      for (std::int64_t i = 0; i < logits.size(0); ++i)
        EXPECT_LT((logits[i].cpu() - right).abs().max().item<double>(), tolerance)
            << at::toString(dtype);
    }
}

} // namespace
} // namespace peakbench::llm
