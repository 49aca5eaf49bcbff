#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "expect_error.h"
#include "llm/model_source.h"
#include "model_writer.h"
#include "support/support.h"

namespace peakbench::llm {
namespace {

using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using testing::bytes_of;
using ::testing::ElementsAre;
using testing::GgufWriter;
using ::testing::HasSubstr;
using testing::small_gguf;
using testing::user_error;
using testing::weight_values;

class GgufSourceTest : public ::testing::Test {
protected:
  std::unique_ptr<ModelSource> open(const GgufWriter& writer) {
    write_file(folder_ / "small.gguf", writer.bytes());
    return ModelSource::open((folder_ / "small.gguf").string());
  }
  std::string error(const GgufWriter& writer) {
    return user_error([&] { open(writer); });
  }
  static at::Tensor written(const std::string& name, std::vector<std::int64_t> shape) {
    std::int64_t count = 1;
    for (std::int64_t size : shape)
      count *= size;
    return at::tensor(weight_values(name, static_cast<std::size_t>(count))).view(shape);
  }
  ScratchFolder folder_;
};

TEST_F(GgufSourceTest, ConfigurationFromTheMetadata) {
  const auto source = open(small_gguf());
  const ModelConfig& c = source->config();
  EXPECT_EQ(c.name, "small.gguf");
  EXPECT_EQ(c.format, "gguf");
  EXPECT_EQ(c.architecture, "llama");
  EXPECT_THAT((std::vector<std::int64_t>{c.layers, c.width, c.heads, c.kv_heads, c.head_width,
                                         c.mlp_width, c.vocabulary, c.context}),
              ElementsAre(2, 32, 4, 2, 8, 64, 263, 128));
  EXPECT_FLOAT_EQ(static_cast<float>(c.norm_epsilon), 1e-6f);
  EXPECT_EQ(c.rope_theta, 5000.0);
  EXPECT_EQ(c.rope_scaling.kind, "none");
  EXPECT_TRUE(c.tied_embedding);
  EXPECT_FALSE(c.qkv_bias);
  EXPECT_FALSE(c.qk_norm);
  EXPECT_FALSE(c.random_weights);
  EXPECT_EQ(c.kv_bytes_per_token(2), 2 * 2 * 2 * 8 * 2);
  // Embedding, final norm, and two layers of norms, attention and feed-forward.
  EXPECT_EQ(source->parameters(), 263 * 32 + 32 + 2 * (64 + 2 * 1024 + 2 * 512 + 3 * 2048));
  EXPECT_EQ(source->file_bytes(), source->parameters() * 4);
  EXPECT_EQ(source->tokenizer()->vocabulary(), 263);
}

TEST_F(GgufSourceTest, TensorsUnderHuggingFaceNames) {
  const auto source = open(small_gguf());
  EXPECT_TRUE(at::equal(source->tensor("model.embed_tokens.weight", at::kFloat, at::kCPU),
                        written("token_embd.weight", {263, 32})));
  EXPECT_TRUE(at::equal(source->tensor("model.layers.1.mlp.down_proj.weight", at::kFloat, at::kCPU),
                        written("blk.1.ffn_down.weight", {32, 64})));
  EXPECT_TRUE(
      at::equal(source->tensor("model.layers.0.self_attn.v_proj.weight", at::kBFloat16, at::kCPU),
                written("blk.0.attn_v.weight", {16, 32}).to(at::kBFloat16)));
  EXPECT_TRUE(source->has("model.norm.weight"));
  EXPECT_FALSE(source->has("lm_head.weight"));
  EXPECT_FALSE(source->has("output_norm.weight"));
  EXPECT_THAT(user_error([&] { source->tensor("lm_head.weight", at::kFloat, at::kCPU); }),
              HasSubstr("lm_head.weight"));
}

// The converter to GGUF stores row (head, pair, half) of llama's q and k where Hugging Face has
// (head, half, pair); this is its inverse by reshaping.
at::Tensor half_split(const at::Tensor& rows, std::int64_t heads) {
  return rows.view({heads, rows.size(0) / heads / 2, 2, rows.size(1)})
      .transpose(1, 2)
      .reshape(rows.sizes());
}

TEST_F(GgufSourceTest, OnlyLlamaRowsAreReordered) {
  const at::Tensor q = written("blk.0.attn_q.weight", {32, 32}),
                   k = written("blk.0.attn_k.weight", {16, 32});
  const std::string prefix = "model.layers.0.self_attn.";
  const auto llama = open(small_gguf("llama"));
  EXPECT_TRUE(
      at::equal(llama->tensor(prefix + "q_proj.weight", at::kFloat, at::kCPU), half_split(q, 4)));
  EXPECT_TRUE(
      at::equal(llama->tensor(prefix + "k_proj.weight", at::kFloat, at::kCPU), half_split(k, 2)));
  EXPECT_FALSE(at::equal(half_split(q, 4), q));
  const auto qwen = open(small_gguf("qwen2"));
  EXPECT_TRUE(at::equal(qwen->tensor(prefix + "q_proj.weight", at::kFloat, at::kCPU), q));
  EXPECT_TRUE(at::equal(qwen->tensor(prefix + "k_proj.weight", at::kFloat, at::kCPU), k));
}

TEST_F(GgufSourceTest, Qwen2HasBiasesAndQwen3Norms) {
  const auto qwen2 = open(small_gguf("qwen2"));
  EXPECT_TRUE(qwen2->config().qkv_bias);
  EXPECT_TRUE(at::equal(qwen2->tensor("model.layers.1.self_attn.k_proj.bias", at::kFloat, at::kCPU),
                        written("blk.1.attn_k.bias", {16})));
  const auto qwen3 = open(small_gguf("qwen3"));
  EXPECT_TRUE(qwen3->config().qk_norm);
  EXPECT_TRUE(
      at::equal(qwen3->tensor("model.layers.1.self_attn.q_norm.weight", at::kFloat, at::kCPU),
                written("blk.1.attn_q_norm.weight", {8})));
  EXPECT_THAT(error(small_gguf("qwen3").remove_tensor("blk.1.attn_q_norm.weight")),
              HasSubstr("model.layers.1.self_attn.q_norm.weight"));
}

TEST_F(GgufSourceTest, AHeadOfItsOwnAndHeadWidthOfTheFile) {
  GgufWriter writer = small_gguf();
  writer.tensor("output.weight", {32, 263}, 0, bytes_of(weight_values("output.weight", 263 * 32)));
  EXPECT_FALSE(open(writer)->config().tied_embedding);
  // Heads of 16 in a width of 32: the projections are wider than the model.
  GgufWriter wide = small_gguf("qwen3").integer("qwen3.attention.key_length", 16);
  for (const char* layer : {"blk.0.", "blk.1."}) {
    const std::string prefix = layer;
    const auto add = [&](const std::string& name, std::vector<std::uint64_t> dimensions) {
      std::size_t count = 1;
      for (std::uint64_t size : dimensions)
        count *= size;
      wide.tensor(prefix + name, dimensions, 0, std::string(4 * count, '\0'));
    };
    add("attn_q.weight", {32, 64});
    add("attn_k.weight", {32, 32});
    add("attn_v.weight", {32, 32});
    add("attn_output.weight", {64, 32});
    add("attn_q_norm.weight", {16});
    add("attn_k_norm.weight", {16});
  }
  EXPECT_EQ(open(wide)->config().head_width, 16);
}

TEST_F(GgufSourceTest, RotaryScaling) {
  const auto linear = open(small_gguf()
                               .text("llama.rope.scaling.type", "linear")
                               .number("llama.rope.scaling.factor", 4));
  EXPECT_EQ(linear->config().rope_scaling.kind, "linear");
  EXPECT_EQ(linear->config().rope_scaling.factor, 4.0);
  // A factor alone is linear; with type none, or 0, it is nothing.
  for (const char* key : {"llama.rope.scaling.factor", "llama.rope.scale_linear"}) {
    const auto untyped = open(small_gguf().number(key, 2));
    EXPECT_EQ(untyped->config().rope_scaling.kind, "linear") << key;
    EXPECT_EQ(untyped->config().rope_scaling.factor, 2.0) << key;
    EXPECT_EQ(open(small_gguf().number(key, 0))->config().rope_scaling.kind, "none") << key;
  }
  EXPECT_EQ(open(small_gguf()
                     .text("llama.rope.scaling.type", "none")
                     .number("llama.rope.scaling.factor", 2))
                ->config()
                .rope_scaling.kind,
            "none");
  const auto llama3 = open(
      small_gguf().tensor("rope_freqs.weight", {4}, 0, bytes_of(std::vector<float>{1, 2, 8, 32})));
  EXPECT_THAT(llama3->config().rope_factors, ElementsAre(1, 2, 8, 32));
  EXPECT_FALSE(llama3->has("rope_freqs.weight"));
  EXPECT_THAT(error(small_gguf().tensor("rope_freqs.weight", {3}, 0, std::string(12, '\0'))),
              HasSubstr("rope_freqs.weight"));
  EXPECT_THAT(error(small_gguf().tensor("rope_freqs.weight", {4}, 0, std::string(16, '\0'))),
              HasSubstr("rotary factor is 0"));
  EXPECT_THAT(error(small_gguf().text("llama.rope.scaling.type", "yarn")),
              AllOf(HasSubstr("yarn"), HasSubstr("none, linear, llama3")));
  EXPECT_THAT(error(small_gguf().integer("llama.rope.dimension_count", 4)),
              HasSubstr("part of the head"));
}

TEST_F(GgufSourceTest, WhatIsNotSupportedIsNamed) {
  EXPECT_THAT(error(GgufWriter().text("general.architecture", "mamba")),
              AllOf(HasSubstr("'mamba'"), HasSubstr("llama, qwen2, qwen3")));
  EXPECT_THAT(error(small_gguf().integer("llama.expert_count", 8)), HasSubstr("8 experts"));
  EXPECT_THAT(error(small_gguf().integer("split.count", 2)), HasSubstr("llama-gguf-split"));
  EXPECT_THAT(error(small_gguf().text("tokenizer.ggml.model", "bert")),
              AllOf(HasSubstr("bert"), HasSubstr("supported: gpt2")));
  EXPECT_THAT(error(small_gguf().text("tokenizer.ggml.pre", "tekken")), HasSubstr("tekken"));
  EXPECT_THAT(error(small_gguf().tensor("blk.0.attn_output.bias", {32}, 0, std::string(128, '\0'))),
              HasSubstr("blk.0.attn_output.bias"));
}

TEST_F(GgufSourceTest, WhatDoesNotFitIsNamed) {
  EXPECT_THAT(error(small_gguf().remove_tensor("blk.1.ffn_up.weight")),
              HasSubstr("model.layers.1.mlp.up_proj.weight"));
  EXPECT_THAT(error(small_gguf().tensor("output_norm.weight", {31}, 0, std::string(124, '\0'))),
              AllOf(HasSubstr("model.norm.weight"), HasSubstr("[31]"), HasSubstr("[32]")));
  EXPECT_THAT(error(small_gguf().integer("llama.attention.head_count", 0)),
              HasSubstr("0 attention heads"));
  EXPECT_THAT(error(small_gguf().integer("llama.attention.head_count_kv", 3)),
              HasSubstr("cannot share 3"));
  EXPECT_THAT(error(small_gguf().integer("llama.block_count", 4000000000U)), HasSubstr("layers"));
  EXPECT_THAT(error(small_gguf().number("llama.attention.layer_norm_rms_epsilon", 0)),
              HasSubstr("epsilon"));
  EXPECT_THAT(error(small_gguf().number("llama.rope.freq_base", NAN)), HasSubstr("rotary base"));
  EXPECT_THAT(error(small_gguf().remove("llama.embedding_length")),
              HasSubstr("llama.embedding_length"));
  // A quantised bias of llama would have to be taken apart element by element.
  GgufWriter biased = small_gguf();
  for (const char* layer : {"blk.0.", "blk.1."}) {
    biased.tensor(std::string(layer) + "attn_q.bias", {32}, 8, std::string(34, '\0'));
    biased.tensor(std::string(layer) + "attn_k.bias", {16}, 0, std::string(64, '\0'));
    biased.tensor(std::string(layer) + "attn_v.bias", {16}, 0, std::string(64, '\0'));
  }
  EXPECT_THAT(error(biased), HasSubstr("q_proj.bias"));
}

TEST(SmolLm2, OpensAsPublished) {
  PEAKBENCH_NEEDS_SMOLLM2(file);
  const auto source = ModelSource::open(file.string());
  const ModelConfig& c = source->config();
  EXPECT_THAT((std::vector<std::int64_t>{c.layers, c.width, c.heads, c.kv_heads, c.head_width,
                                         c.mlp_width, c.vocabulary, c.context}),
              ElementsAre(30, 576, 9, 3, 64, 1536, 49152, 8192));
  EXPECT_TRUE(c.tied_embedding);
  EXPECT_EQ(c.rope_theta, 100000.0);
  EXPECT_EQ(source->parameters(), 134515008);
  EXPECT_THAT(source->tokenizer()->end_tokens(), ElementsAre(2));
  EXPECT_FALSE(source->tokenizer()->begin_token());
  for (const WeightShape& weight : weight_shapes(c)) {
    const at::Tensor tensor = source->tensor(weight.name, at::kFloat, at::kCPU);
    ASSERT_EQ(tensor.sizes().vec(), weight.shape);
    ASSERT_TRUE(at::isfinite(tensor).all().item<bool>()) << weight.name;
  }
}

} // namespace
} // namespace peakbench::llm
