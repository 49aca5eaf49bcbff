#include "llm/synthetic.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <iterator>

#include "base/model_shapes.h"
#include "expect_error.h"
#include "llm/model_source.h"

namespace peakbench::llm {
namespace {

using ::testing::HasSubstr;

// Counted by transformers on the published configurations, as on the models' pages.
TEST(Synthetic, ParameterCountsArePublishedOnes) {
  const std::pair<const char*, std::int64_t> published[] = {
      {"qwen2.5-0.5b", 494032768},  {"qwen2.5-1.5b", 1543714304}, {"qwen2.5-3b", 3085938688},
      {"qwen2.5-7b", 7615616512},   {"qwen3-0.6b", 596049920},    {"qwen3-1.7b", 1720574976},
      {"qwen3-4b", 4022468096},     {"qwen3-8b", 8190735360},     {"llama-3.2-1b", 1235814400},
      {"llama-3.2-3b", 3212749824}, {"llama-3.1-8b", 8030261248}, {"mistral-7b", 7248023552},
      {"smollm2-135m", 134515008},  {"smollm2-360m", 361821120},  {"smollm2-1.7b", 1711376384}};
  for (const auto& [name, parameters] : published)
    EXPECT_EQ(ModelSource::open(std::string("synthetic:") + name)->parameters(), parameters)
        << name;
  const std::string known = testing::user_error([] { open_synthetic("unknown"); });
  for (const auto& [name, parameters] : published)
    EXPECT_THAT(known, HasSubstr(name));
  EXPECT_EQ(std::count(known.begin(), known.end(), ','), std::ssize(published) - 1)
      << "one is not in this test: " << known;
}

// Two bytes for each of key and value, KV heads, head width and layers.
TEST(Synthetic, BytesPerKvToken) {
  const auto bytes = [](const char* name) { return open_synthetic(name)->config(); };
  EXPECT_EQ(bytes("qwen2.5-3b").kv_bytes_per_token(2), 36864);
  EXPECT_EQ(bytes("qwen3-4b").kv_bytes_per_token(2), 147456);
  EXPECT_EQ(bytes("llama-3.1-8b").kv_bytes_per_token(2), 131072);
  EXPECT_EQ(bytes("mistral-7b").kv_bytes_per_token(2), 131072);
  EXPECT_EQ(bytes("smollm2-135m").kv_bytes_per_token(2), 23040);
  EXPECT_TRUE(bytes("qwen3-4b").qk_norm);
  EXPECT_FALSE(bytes("qwen3-4b").qkv_bias);
  EXPECT_EQ(bytes("llama-3.1-8b").rope_scaling.factor, 8);
}

// Reports compute from the list alone, without this library.
TEST(Synthetic, TheListedShapesAreThoseOfTheModels) {
  for (const ModelShape& shape : kModelShapes) {
    const auto source = ModelSource::open("synthetic:" + std::string(shape.name));
    EXPECT_EQ(source->parameters(), shape.parameters) << shape.name;
    EXPECT_EQ(source->config().kv_bytes_per_token(2), shape.kv_bytes_per_token(2)) << shape.name;
  }
}

TEST(Synthetic, SaysThatItIsRandom) {
  const auto source = ModelSource::open("synthetic:qwen2.5-3b");
  EXPECT_EQ(source->config().name, "synthetic:qwen2.5-3b");
  EXPECT_TRUE(source->config().random_weights);
  EXPECT_EQ(source->tokenizer(), nullptr);
  EXPECT_EQ(source->file_bytes(), 0);
  EXPECT_TRUE(source->has("model.layers.35.self_attn.q_proj.bias"));
  EXPECT_FALSE(source->has("model.layers.36.self_attn.q_proj.bias"));
  EXPECT_FALSE(source->has("lm_head.weight"));
  EXPECT_THAT(testing::user_error([] { ModelSource::open("synthetic:gpt-5"); }),
              AllOf(HasSubstr("gpt-5"), HasSubstr("qwen2.5-0.5b"), HasSubstr("smollm2-135m")));
}

TEST(Synthetic, WeightsDependOnModelAndNameOnly) {
  const std::string name = "model.layers.3.mlp.up_proj.weight"; // more than one chunk
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor first = open_synthetic("smollm2-135m")->tensor(name, at::kFloat, at::kCPU);
  at::set_num_threads(3);
  const auto source = open_synthetic("smollm2-135m");
  const at::Tensor other =
      source->tensor("model.layers.4.mlp.up_proj.weight", at::kFloat, at::kCPU);
  const at::Tensor second = source->tensor(name, at::kFloat, at::kCPU);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(first, second));
  EXPECT_FALSE(at::equal(first, other));
  EXPECT_TRUE(at::equal(source->tensor(name, at::kBFloat16, at::kCPU), first.to(at::kBFloat16)));
  EXPECT_NEAR(first.mean().item<double>(), 0.0, 1e-4);
  EXPECT_NEAR(first.std().item<double>(), 0.02, 1e-4);
  EXPECT_FALSE(
      at::equal(first.view(-1).narrow(0, 0, 1000), first.view(-1).narrow(0, 1 << 18, 1000)));
  EXPECT_TRUE(source->tensor("model.norm.weight", at::kFloat, at::kCPU).eq(1).all().item<bool>());
}

} // namespace
} // namespace peakbench::llm
