#include "llm/model.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "measure/memory.h"
#include "tests/llm/tiny_model.h"

namespace peakbench::llm {
namespace {

using testing::tiny_config;
using testing::TinySource;

using Tokens = std::vector<std::int32_t>;

Tokens some_tokens(std::size_t count) {
  Tokens tokens(count);
  for (std::size_t i = 0; i < count; ++i)
    tokens[i] = static_cast<std::int32_t>((i * 31 + 5) % 67);
  return tokens;
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

// One path, the first `prompt` tokens at once and the rest one by one.
at::Tensor run(const Model& model, KvKind kind, const Tokens& tokens, std::size_t prompt) {
  const auto store = model.make_kv_store(kind);
  const std::vector<PathId> path{store->create()};
  const std::span<const std::int32_t> all(tokens);
  at::Tensor logits = model.prefill(all.first(prompt), *store, path);
  for (std::size_t i = prompt; i < tokens.size(); ++i)
    logits = model.step(all.subspan(i, 1), *store, path);
  return logits[0];
}

struct Variant {
  const char* name;
  void (*change)(ModelConfig&);
};

class ModelVariant : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(
    Shapes, ModelVariant,
    ::testing::Values(Variant{"llama", [](ModelConfig&) {}},
                      Variant{"tied", [](ModelConfig& c) { c.tied_embedding = true; }},
                      Variant{"qwen2", [](ModelConfig& c) { c.qkv_bias = true; }},
                      Variant{"qwen3", [](ModelConfig& c) { c.qk_norm = true; }},
                      Variant{"one_kv_head", [](ModelConfig& c) { c.kv_heads = 1; }},
                      Variant{"no_groups", [](ModelConfig& c) { c.kv_heads = c.heads; }},
                      Variant{"linear_rope",
                              [](ModelConfig& c) {
                                c.rope_scaling.kind = "linear";
                                c.rope_scaling.factor = 4;
                              }}),
    [](const auto& variant) { return variant.param.name; });

TEST_P(ModelVariant, EqualsThePlainForwardPass) {
  ModelConfig config = tiny_config();
  GetParam().change(config);
  const TinySource source(config);
  const Model model(source, at::kFloat, at::kCPU);
  const Tokens tokens = some_tokens(41);
  const at::Tensor right = source.logits(tokens);
  EXPECT_LT(distance(run(model, KvKind::shared, tokens, 41), right), 1e-4);
  EXPECT_LT(distance(run(model, KvKind::shared, tokens, 9), right), 1e-4);
  EXPECT_LT(distance(run(model, KvKind::dense, tokens, 1), right), 1e-4);
}

TEST(Model, WrongConstantsAreSeen) {
  const TinySource source(tiny_config());
  const Tokens tokens = some_tokens(41);
  const at::Tensor right = source.logits(tokens);
  // The same weights under another configuration.
  struct Changed : TinySource {
    Changed(const ModelConfig& made, ModelConfig told) : TinySource(made), told_(std::move(told)) {}
    const ModelConfig& config() const override { return told_; }
    ModelConfig told_;
  };
  const auto with = [&](auto change) {
    ModelConfig config = tiny_config();
    change(config);
    return distance(run(Model(Changed(tiny_config(), config), at::kFloat, at::kCPU), KvKind::shared,
                        tokens, 20),
                    right);
  };
  EXPECT_LT(with([](ModelConfig&) {}), 1e-4);
  EXPECT_GT(with([](ModelConfig& c) { c.rope_theta = 20000; }), 1e-3);
  EXPECT_GT(with([](ModelConfig& c) { c.norm_epsilon = 1e-3; }), 1e-3);
  EXPECT_GT(with([](ModelConfig& c) { c.tied_embedding = true; }), 1e-3);
  EXPECT_GT(with([](ModelConfig& c) { c.rope_factors.assign(8, 2); }), 1e-3);
}

// Eight forks go on with tokens of their own, at once and one by one, in both stores.
TEST(Model, ABatchEqualsItsPathsOneByOne) {
  const TinySource source(tiny_config());
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const Model model(source, dtype, at::kCPU);
    const auto forked = [&](KvKind kind, bool together) {
      const auto store = model.make_kv_store(kind);
      std::vector<PathId> paths{store->create()};
      model.prefill(some_tokens(30), *store, paths);
      for (int i = 1; i < 8; ++i)
        paths.push_back(store->fork(paths.front()));
      at::Tensor logits;
      for (std::int32_t step = 0; step < 6; ++step) {
        Tokens tokens(paths.size());
        for (std::size_t i = 0; i < paths.size(); ++i)
          tokens[i] = static_cast<std::int32_t>((i * 11 + static_cast<std::size_t>(step) * 7) % 67);
        if (together) {
          logits = model.step(tokens, *store, paths);
          continue;
        }
        std::vector<at::Tensor> rows;
        for (std::size_t i = 0; i < paths.size(); ++i)
          rows.push_back(
              model.step(std::span(tokens).subspan(i, 1), *store, std::span(paths).subspan(i, 1)));
        logits = at::cat(rows);
      }
      return logits;
    };
    const at::Tensor shared = forked(KvKind::shared, true);
    EXPECT_EQ(shared.scalar_type(), at::kFloat);
    EXPECT_GT(distance(shared[0], shared[1]), 0.1) << "or the paths do not differ";
    EXPECT_TRUE(at::equal(shared, forked(KvKind::dense, true)))
        << "the stores differ in memory only";
    const double tolerance = dtype == at::kFloat ? 1e-4 : 0.3;
    EXPECT_LT(distance(shared, forked(KvKind::shared, false)), tolerance);
    EXPECT_LT(distance(shared, forked(KvKind::dense, false)), tolerance);
  }
}

// Two prompts of different length in one store, forked and fed together.
TEST(Model, AStepTakesPathsOfAnyLength) {
  const TinySource source(tiny_config());
  const Model model(source, at::kFloat, at::kCPU);
  const std::vector<std::size_t> lengths{30, 11};
  const auto prompt = [&](std::size_t length) { return some_tokens(length); };
  const auto alone = [&](std::size_t length, std::int32_t token) {
    Tokens tokens = prompt(length);
    tokens.insert(tokens.end(), {token, 7});
    return run(model, KvKind::shared, tokens, length);
  };
  for (const KvKind kind : {KvKind::shared, KvKind::dense}) {
    const auto store = model.make_kv_store(kind);
    std::vector<PathId> paths;
    for (const std::size_t length : lengths) {
      paths.push_back(store->create());
      model.prefill(prompt(length), *store, std::span(paths).last(1));
      paths.push_back(store->fork(paths.back()));
    }
    model.step(Tokens{1, 2, 3, 4}, *store, paths);
    const at::Tensor logits = model.step(Tokens{7, 7, 7, 7}, *store, paths);
    for (std::int64_t i = 0; i < 4; ++i)
      EXPECT_LT(distance(logits[i], alone(lengths[static_cast<std::size_t>(i / 2)],
                                          static_cast<std::int32_t>(i + 1))),
                1e-4)
          << i;
    EXPECT_GT(distance(logits[0], logits[2]), 0.1) << "or length does not matter";
  }
}

TEST(Model, PrefillOfSeveralPathsIsTheSameForEach) {
  const TinySource source(tiny_config());
  const Model model(source, at::kFloat, at::kCPU);
  const Tokens prompt = some_tokens(200); // three groups of 2, 2 and 1 paths
  const auto store = model.make_kv_store(KvKind::dense);
  std::vector<PathId> paths(5);
  for (PathId& path : paths)
    path = store->create();
  const at::Tensor logits = model.prefill(prompt, *store, paths);
  ASSERT_EQ(logits.sizes(), (std::vector<std::int64_t>{5, 67}));
  const at::Tensor right = source.logits(prompt);
  for (std::int64_t i = 0; i < 5; ++i)
    EXPECT_LT(distance(logits[i], right), 1e-3);
  EXPECT_EQ(store->statistics().now.logical_bytes, 5 * 200 * model.config().kv_bytes_per_token(4));
}

TEST(Model, LongPromptsAreCutIntoPiecesOfTheMlpOnly) {
  ModelConfig config = tiny_config();
  config.layers = 1;
  const TinySource source(config);
  const Model model(source, at::kFloat, at::kCPU);
  const Tokens prompt = some_tokens(1100);
  EXPECT_LT(distance(run(model, KvKind::shared, prompt, prompt.size()),
                     run(model, KvKind::shared, prompt, 1090)),
            1e-3);
}

TEST(Model, Bfloat16IsCloseToFloat32) {
  const TinySource source(tiny_config());
  const Tokens tokens = some_tokens(60);
  const at::Tensor exact = source.logits(tokens);
  const Model model(source, at::kBFloat16, at::kCPU);
  EXPECT_EQ(model.dtype(), at::kBFloat16);
  const double spread = exact.std().item<double>();
  const double error = (run(model, KvKind::shared, tokens, 50) - exact).std().item<double>();
  EXPECT_LT(error, 0.05 * spread);
  EXPECT_GT(error, 1e-5 * spread) << "or it did not compute in bfloat16";
}

TEST(Model, EveryByteHasItsTag) {
  measure::DeviceMemory& memory = measure::DeviceMemory::of(at::kCPU);
  const TinySource source(tiny_config());
  const auto of = [](const measure::TagBytes& bytes, measure::Tag tag) {
    return bytes[measure::index_of(tag)];
  };
  const measure::MemoryScope loading(memory);
  const Model model(source, at::kFloat, at::kCPU);
  EXPECT_EQ(loading.read().live_bytes, model.weight_bytes());
  EXPECT_EQ(of(loading.read().peak_by_tag, measure::Tag::weights), loading.read().peak_bytes);

  const auto store = model.make_kv_store(KvKind::shared);
  const std::vector<PathId> path{store->create()};
  const measure::MemoryScope prefill(memory);
  const at::Tensor logits = model.prefill(some_tokens(100), *store, path);
  const measure::MemoryReading reading = prefill.read();
  EXPECT_EQ(reading.live_bytes,
            static_cast<std::int64_t>(logits.nbytes()) + store->statistics().now.physical_bytes)
      << "no activation is left";
  EXPECT_EQ(of(reading.peak_by_tag, measure::Tag::weights), 0);
  EXPECT_EQ(of(reading.peak_by_tag, measure::Tag::kv_cache),
            store->statistics().now.physical_bytes);
  EXPECT_GT(of(reading.peak_by_tag, measure::Tag::activations), 0);
  EXPECT_LT(of(reading.peak_by_tag, measure::Tag::logits),
            2 * static_cast<std::int64_t>(logits.nbytes()))
      << "logits of the last position only";
}

TEST(Model, MisuseIsCaught) {
  const TinySource source(tiny_config());
  EXPECT_THROW(Model(source, at::kDouble, at::kCPU), c10::Error);
  const Model model(source, at::kFloat, at::kCPU);
  const auto store = model.make_kv_store(KvKind::shared);
  const std::vector<PathId> paths{store->create(), store->create()};
  EXPECT_THROW(model.prefill(Tokens{}, *store, paths), c10::Error);
  EXPECT_THROW(model.step(Tokens{1}, *store, paths), c10::Error) << "two paths";
  model.prefill(Tokens{1, 2}, *store, std::span(paths).first(1));
  EXPECT_THROW(model.step(Tokens{67}, *store, std::span(paths).first(1)), std::exception)
      << "no such token";
}

} // namespace
} // namespace peakbench::llm
