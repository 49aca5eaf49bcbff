#include "llm/model.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "measure/memory.h"
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

// Paths fork, end and change their number; logits of every step.
std::vector<at::Tensor> grow(const Model& model, KvKind kind) {
  const auto store = model.make_kv_store(kind);
  std::vector<PathId> paths{store->create()};
  std::vector<std::int32_t> prompt(100);
  for (std::size_t i = 0; i < prompt.size(); ++i)
    prompt[i] = static_cast<std::int32_t>((i * 31 + 5) % 67);
  model.prefill(prompt, *store, paths);
  std::vector<at::Tensor> all;
  std::vector<std::int32_t> tokens{3};
  for (int step = 0; step < 40; ++step) {
    if (step % 4 == 1) {
      paths.push_back(store->fork(paths[paths.size() / 2]));
      tokens.push_back(static_cast<std::int32_t>(step));
    }
    if (step % 10 == 9) {
      store->release(paths.front());
      paths.erase(paths.begin());
      tokens.erase(tokens.begin());
    }
    all.push_back(model.step(tokens, *store, paths).cpu());
    const at::Tensor greedy = all.back().argmax(1);
    for (std::size_t i = 0; i < tokens.size(); ++i)
      tokens[i] =
          static_cast<std::int32_t>(greedy[static_cast<std::int64_t>(i)].item<std::int64_t>());
  }
  return all;
}

TEST_F(ModelGpu, GraphsChangeNothing) {
  for (const bool qwen : {false, true}) {
    ModelConfig config = testing::tiny_config();
    config.qkv_bias = config.qk_norm = qwen;
    const testing::TinySource source(config);
    const at::Device gpu(at::kCUDA, 0);
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
      const Model one_by_one(source, dtype, gpu, {.cuda_graphs = false});
      const Model replayed(source, dtype, gpu);
      for (const KvKind kind : {KvKind::dense, KvKind::shared}) {
        const std::vector<at::Tensor> right = grow(one_by_one, kind);
        for (int run = 0; run < 3; ++run) { // later runs find graphs of the first one
          const std::vector<at::Tensor> found = grow(replayed, kind);
          for (std::size_t i = 0; i < right.size(); ++i)
            ASSERT_TRUE(at::equal(found[i], right[i])) << at::toString(dtype) << ", step " << i;
        }
      }
      EXPECT_EQ(one_by_one.replayed_steps(), 0);
      EXPECT_GT(replayed.replayed_steps(), 2 * 3 * 20);
    }
  }
}

// Steps that nobody waits for must not overwrite what earlier ones are told.
TEST_F(ModelGpu, StepsMayBeQueued) {
  const testing::TinySource source(testing::tiny_config());
  const Model model(source, at::kFloat, at::Device(at::kCUDA, 0));
  const auto run = [&](bool wait) {
    const auto store = model.make_kv_store(KvKind::shared);
    const std::vector<PathId> path{store->create()};
    at::Tensor logits = model.prefill(std::vector<std::int32_t>{1, 2, 3}, *store, path);
    for (std::int32_t i = 0; i < 60; ++i) {
      logits = model.step(std::vector<std::int32_t>{i}, *store, path);
      if (wait)
        logits.cpu();
    }
    return logits.cpu();
  };
  EXPECT_TRUE(at::equal(run(false), run(true)));
}

TEST_F(ModelGpu, GraphsHideNoMemory) {
  const testing::TinySource source(testing::tiny_config());
  const at::Device gpu(at::kCUDA, 0);
  measure::DeviceMemory& memory = measure::DeviceMemory::of(gpu);
  const Model one_by_one(source, at::kFloat, gpu, {.cuda_graphs = false});
  const Model replayed(source, at::kFloat, gpu);
  const auto peak = [&](const Model& model) {
    for (int i = 0; i < 3; ++i) // libraries take their workspaces, graphs are made
      grow(model, KvKind::shared);
    const measure::MemoryScope scope(memory);
    grow(model, KvKind::shared);
    EXPECT_EQ(scope.read().live_bytes, 0);
    return scope.read().peak_bytes;
  };
  const std::int64_t plain = peak(one_by_one);
  EXPECT_GT(plain, 24 * 67 * 4) << "logits";
  EXPECT_GE(peak(replayed), plain);
}

} // namespace
} // namespace peakbench::llm
