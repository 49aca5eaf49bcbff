// The decode step of a GPU, kernels and all, run on the CPU (support/cuda_on_cpu.h) against the
// CPU's own.
#include "llm/device_step.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "llm/model.h"
#include "measure/memory.h"
#include "support/kernels_on_cpu.h"
#include "tests/llm/tiny_model.h"

namespace peakbench::llm {
namespace {

using peakbench::testing::kKernelsOnCpu;
using testing::tiny_config;
using testing::TinySource;

using Tokens = std::vector<std::int32_t>;

double distance(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor difference = (a.to(at::kDouble) - b.to(at::kDouble)).abs();
  return difference.nan_to_num(INFINITY).max().item<double>();
}

// Two prompts of different length, from each of them a family of paths that forks again; a path
// ends on the way. Logits of every step.
std::vector<at::Tensor> grow(const Model& model, KvKind kind, int steps) {
  const auto store = model.make_kv_store(kind);
  std::vector<PathId> paths;
  for (const std::size_t length : {40, 7}) {
    paths.push_back(store->create());
    Tokens prompt(length);
    for (std::size_t i = 0; i < length; ++i)
      prompt[i] = static_cast<std::int32_t>((i * 31 + length) % 67);
    model.prefill(prompt, *store, std::span(paths).last(1));
    if (length == 40)
      for (int i = 0; i < 2; ++i)
        paths.push_back(store->fork(paths.front()));
  }
  std::vector<at::Tensor> all;
  for (int step = 0; step < steps; ++step) {
    if (step == 2)
      paths.insert(paths.begin() + 1, store->fork(paths.front()));
    if (step == 3) {
      store->release(paths[2]);
      paths.erase(paths.begin() + 2);
    }
    Tokens tokens(paths.size());
    for (std::size_t i = 0; i < tokens.size(); ++i)
      tokens[i] = static_cast<std::int32_t>((i * 11 + static_cast<std::size_t>(step) * 7) % 67);
    all.push_back(model.step(tokens, *store, paths).clone());
  }
  return all;
}

struct Variant {
  const char* name;
  void (*change)(ModelConfig&);
};
class DeviceStepVariant : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(
    Shapes, DeviceStepVariant,
    ::testing::Values(Variant{"llama", [](ModelConfig&) {}},
                      Variant{"tied", [](ModelConfig& c) { c.tied_embedding = true; }},
                      Variant{"qwen2", [](ModelConfig& c) { c.qkv_bias = true; }},
                      Variant{"qwen3", [](ModelConfig& c) { c.qk_norm = true; }},
                      Variant{"one_kv_head", [](ModelConfig& c) { c.kv_heads = 1; }}),
    [](const auto& variant) { return variant.param.name; });

TEST_P(DeviceStepVariant, EqualsTheOrdinaryStep) {
  ModelConfig config = tiny_config();
  GetParam().change(config);
  const TinySource source(config);
  const Model ordinary(source, at::kFloat, at::kCPU);
  const Model device(source, at::kFloat, at::kCPU, {.step_kernels = &kKernelsOnCpu});
  const std::vector<at::Tensor> right = grow(ordinary, KvKind::shared, 5);
  const std::vector<at::Tensor> found = grow(device, KvKind::shared, 5);
  for (std::size_t i = 0; i < right.size(); ++i) {
    ASSERT_EQ(found[i].sizes(), right[i].sizes());
    EXPECT_LT(distance(found[i], right[i]), 1e-4) << "step " << i;
  }
  EXPECT_GT(distance(found[4], right[3]), 0.1) << "or any logits would do";
}

TEST(DeviceStep, EqualsTheOrdinaryStepInBfloat16AndInDenseStores) {
  const TinySource source(tiny_config());
  const Model ordinary(source, at::kBFloat16, at::kCPU);
  const Model device(source, at::kBFloat16, at::kCPU, {.step_kernels = &kKernelsOnCpu});
  const std::vector<at::Tensor> right = grow(ordinary, KvKind::shared, 3);
  for (const KvKind kind : {KvKind::dense, KvKind::shared}) {
    const std::vector<at::Tensor> found = grow(device, kind, 3);
    for (std::size_t i = 0; i < right.size(); ++i)
      EXPECT_LT(distance(found[i], right[i]), 0.3) << "step " << i;
  }
}

TEST(DeviceStep, RowsArePaddedToAFewNumbers) {
  EXPECT_EQ(padded_rows(1), 1);
  EXPECT_EQ(padded_rows(3), 4);
  EXPECT_EQ(padded_rows(20), 24);
  EXPECT_EQ(padded_rows(64), 64);
  EXPECT_EQ(padded_rows(65), 96);
  EXPECT_EQ(padded_rows(129), 160);
}

// All that its steps work in is allocated once, stays as long as the store, and has its tag.
TEST(DeviceStep, MemoryIsTheStores) {
  measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU);
  const TinySource source(tiny_config());
  const Model model(source, at::kFloat, at::kCPU, {.step_kernels = &kKernelsOnCpu});
  auto store = model.make_kv_store(KvKind::shared);
  const std::vector<PathId> path{store->create()};
  model.prefill(Tokens{1, 2, 3}, *store, path);
  const measure::MemoryScope scope(memory);
  model.step(Tokens{4}, *store, path);
  const auto kept = store->step_memory();
  const auto addresses = kept->addresses();
  const std::int64_t after_one =
      scope.read().live_bytes -
      (store->statistics().now.physical_bytes - 3 * model.config().kv_bytes_per_token(4));
  EXPECT_GT(scope.read().start.total, 0);
  const auto live = [&](measure::Tag tag) {
    return memory.live().by_tag[measure::index_of(tag)] -
           scope.read().start.by_tag[measure::index_of(tag)];
  };
  EXPECT_EQ(live(measure::Tag::logits), 67 * 4);
  EXPECT_GT(live(measure::Tag::activations), 0);
  EXPECT_EQ(after_one, live(measure::Tag::logits) + live(measure::Tag::activations) +
                           live(measure::Tag::workspace));
  for (int i = 0; i < 3; ++i)
    model.step(Tokens{4}, *store, path);
  EXPECT_EQ(kept->addresses(), addresses) << "a graph of the first step would do for all";
  EXPECT_EQ(live(measure::Tag::workspace) + live(measure::Tag::activations) +
                live(measure::Tag::logits),
            after_one);
}

TEST(DeviceStep, MisuseIsCaught) {
  const TinySource source(tiny_config());
  const Model model(source, at::kFloat, at::kCPU, {.step_kernels = &kKernelsOnCpu});
  const auto store = model.make_kv_store(KvKind::shared);
  const std::vector<PathId> path{store->create()};
  model.prefill(Tokens{1, 2}, *store, path);
  EXPECT_THROW(model.step(Tokens{67}, *store, path), c10::Error) << "no such token";
  EXPECT_EQ(store->length(path.front()), 2) << "and nothing has changed";
  EXPECT_NO_THROW(model.step(Tokens{66}, *store, path));
}

} // namespace
} // namespace peakbench::llm
