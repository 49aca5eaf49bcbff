#include "llm/huggingface.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "model_writer.h"
#include "support/support.h"

namespace peakbench::llm {
namespace {

using nlohmann::json;
using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::user_error;

class HuggingFace : public ::testing::Test {
protected:
  std::unique_ptr<ModelSource> open() { return ModelSource::open(folder_.path().string()); }
  // config.json with `changes` put over the small model's.
  std::unique_ptr<ModelSource> open_with(const std::string& architecture, const json& changes) {
    testing::write_huggingface(folder_.path(), architecture);
    json config = json::parse(testing::huggingface_config(architecture));
    config.merge_patch(changes);
    write_file(folder_ / "config.json", config.dump());
    return open();
  }
  std::string error_with(const json& changes,
                         const std::string& architecture = "LlamaForCausalLM") {
    return user_error([&] { open_with(architecture, changes); });
  }
  ScratchFolder folder_;
};

at::Tensor tensor_of(const testing::SafeTensor& tensor) {
  std::vector<float> values(tensor.data.size() / 4);
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return at::tensor(values).view(tensor.shape);
}

TEST_F(HuggingFace, EveryArchitectureAsItLies) {
  for (const auto& [name, architecture] : {std::pair{"LlamaForCausalLM", "llama"},
                                           {"MistralForCausalLM", "mistral"},
                                           {"Qwen2ForCausalLM", "qwen2"},
                                           {"Qwen3ForCausalLM", "qwen3"}}) {
    const auto tensors = testing::write_huggingface(folder_.path(), name);
    const auto source = open();
    const ModelConfig& c = source->config();
    EXPECT_EQ(c.architecture, architecture);
    EXPECT_EQ(c.format, "huggingface");
    EXPECT_EQ(c.name, folder_.path().filename().string());
    EXPECT_EQ(c.qkv_bias, c.architecture == "qwen2");
    EXPECT_EQ(c.qk_norm, c.architecture == "qwen3");
    EXPECT_THAT((std::vector<std::int64_t>{c.layers, c.width, c.heads, c.kv_heads, c.head_width,
                                           c.mlp_width, c.vocabulary, c.context}),
                ElementsAre(2, 32, 4, 2, 8, 64, 263, 128));
    for (const auto& tensor : tensors) // q and k included: no reordering
      EXPECT_TRUE(at::equal(source->tensor(tensor.name, at::kFloat, at::kCPU), tensor_of(tensor)))
          << tensor.name;
    EXPECT_EQ(source->file_bytes(), 4 * source->parameters());
  }
}

TEST_F(HuggingFace, TypesAndShardsWithAnIndex) {
  auto tensors = testing::write_huggingface(folder_.path());
  for (auto& tensor : tensors) {
    const bool half = tensor.name.find("mlp") != std::string::npos;
    const at::Tensor values = tensor_of(tensor).to(half ? at::kHalf : at::kBFloat16);
    tensor.dtype = half ? "F16" : "BF16";
    tensor.data.assign(static_cast<const char*>(values.data_ptr()), values.nbytes());
  }
  const auto middle = tensors.begin() + 7;
  std::filesystem::remove(folder_ / "model.safetensors");
  write_file(folder_ / "a.safetensors", testing::safetensors_bytes({tensors.begin(), middle}));
  write_file(folder_ / "b.safetensors", testing::safetensors_bytes({middle, tensors.end()}));
  write_file(folder_ / "stray.safetensors", "not of this model");
  json index;
  for (const auto& tensor : tensors)
    index["weight_map"][tensor.name] =
        &tensor - tensors.data() < 7 ? "a.safetensors" : "b.safetensors";
  write_file(folder_ / "model.safetensors.index.json", index.dump());
  const auto source = open();
  for (const auto& tensor : tensors)
    EXPECT_TRUE(at::equal(
        source->tensor(tensor.name, at::kBFloat16, at::kCPU),
        at::tensor(testing::weight_values(
                       tensor.name, source->tensor(tensor.name, at::kFloat, at::kCPU).numel()))
            .view(tensor.shape)
            .to(tensor.dtype == "F16" ? at::kHalf : at::kBFloat16)
            .to(at::kBFloat16)));
  index["weight_map"]["x"] = "../elsewhere.safetensors";
  write_file(folder_ / "model.safetensors.index.json", index.dump());
  EXPECT_THAT(user_error([&] { open(); }), HasSubstr("../elsewhere.safetensors"));
}

TEST_F(HuggingFace, HeadTiedOrNot) {
  auto tensors = testing::write_huggingface(folder_.path());
  EXPECT_TRUE(open()->config().tied_embedding);
  tensors.push_back({"lm_head.weight", "F32", {263, 32}, std::string(263 * 32 * 4, '\0')});
  write_file(folder_ / "model.safetensors", testing::safetensors_bytes(tensors));
  EXPECT_TRUE(open()->config().tied_embedding); // the configuration says so
  json config = json::parse(testing::huggingface_config("LlamaForCausalLM"));
  config["tie_word_embeddings"] = false;
  write_file(folder_ / "config.json", config.dump());
  EXPECT_FALSE(open()->config().tied_embedding);
  EXPECT_TRUE(open()->has("lm_head.weight"));
}

TEST_F(HuggingFace, RotaryScalingOldAndNew) {
  const json llama3 = {{"rope_type", "llama3"},
                       {"factor", 32.0},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0},
                       {"original_max_position_embeddings", 8192}};
  const auto scaled = open_with("LlamaForCausalLM", {{"rope_scaling", llama3}});
  EXPECT_EQ(scaled->config().rope_scaling.kind, "llama3");
  EXPECT_EQ(scaled->config().rope_scaling.factor, 32.0);
  EXPECT_EQ(scaled->config().rope_scaling.original_context, 8192);
  const auto linear =
      open_with("LlamaForCausalLM", {{"rope_scaling", {{"type", "linear"}, {"factor", 2}}}});
  EXPECT_EQ(linear->config().rope_scaling.kind, "linear");
  const auto parameters = open_with(
      "LlamaForCausalLM", {{"rope_theta", nullptr},
                           {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", 7e5}}}});
  EXPECT_EQ(parameters->config().rope_theta, 7e5);
  EXPECT_THAT(error_with({{"rope_scaling", {{"rope_type", "yarn"}}}}), HasSubstr("'yarn'"));
  EXPECT_THAT(error_with({{"rope_scaling", {{"rope_type", "llama3"}}}}), HasSubstr("factor"));
}

TEST_F(HuggingFace, VariantsThatWouldBeComputedWronglyAreRefused) {
  EXPECT_THAT(error_with({{"architectures", {"GPT2LMHeadModel"}}}),
              AllOf(HasSubstr("GPT2LMHeadModel"), HasSubstr("Qwen3ForCausalLM")));
  EXPECT_THAT(error_with({{"hidden_act", "gelu"}}), HasSubstr("gelu"));
  EXPECT_THAT(error_with({{"mlp_bias", true}}), HasSubstr("biases"));
  EXPECT_THAT(error_with({{"attention_bias", true}}), HasSubstr("biases"));
  EXPECT_THAT(error_with({{"quantization_config", {{"bits", 4}}}}), HasSubstr("quantised"));
  EXPECT_THAT(error_with({{"hidden_size", "wide"}}),
              AllOf(HasSubstr("hidden_size"), HasSubstr("integer")));
  EXPECT_THAT(error_with({{"hidden_size", 1e300}}), HasSubstr("hidden_size"));
  EXPECT_THAT(error_with({{"num_attention_heads", 0}}), HasSubstr("num_attention_heads"));
  EXPECT_THAT(error_with({{"vocab_size", nullptr}}), HasSubstr("'vocab_size' is missing"));
  EXPECT_THAT(error_with({{"vocab_size", 264}}), HasSubstr("[264, 32]"));
  EXPECT_THAT(error_with({{"architectures", {"SmolLM3ForCausalLM"}}}),
              HasSubstr("SmolLM3ForCausalLM"))
      << "some of its layers have no positions";
}

TEST_F(HuggingFace, ASlidingWindowIsTheContext) {
  const auto context = [&](const char* architecture, const json& changes) {
    return open_with(architecture, changes)->config().context;
  };
  EXPECT_EQ(context("MistralForCausalLM", {{"sliding_window", 64}}), 64);
  // merge_patch takes null for "remove": the key is missing here, and null below.
  const json longer = {{"max_position_embeddings", 8192}};
  EXPECT_EQ(context("MistralForCausalLM", longer), 4096) << "Mistral's default";
  json config = json::parse(testing::huggingface_config("MistralForCausalLM"));
  config.update(longer);
  config["sliding_window"] = nullptr;
  write_file(folder_ / "config.json", config.dump());
  EXPECT_EQ(open()->config().context, 8192);
  EXPECT_EQ(context_text(open()->config()), "8192");
  for (const char* qwen : {"Qwen2ForCausalLM", "Qwen3ForCausalLM"}) {
    EXPECT_EQ(context(qwen, {{"sliding_window", 64}}), 128);
    EXPECT_EQ(context(qwen, {{"sliding_window", 64}, {"use_sliding_window", false}}), 128);
    EXPECT_EQ(context(qwen, {{"sliding_window", 64}, {"use_sliding_window", true}}), 64);
  }
  EXPECT_EQ(open()->config().sliding_window, 64);
  EXPECT_THAT(context_text(open()->config()), HasSubstr("64, its sliding window"));
}

// Some folders hold the weights twice.
TEST_F(HuggingFace, ModelSafetensorsStandsForItself) {
  testing::write_huggingface(folder_.path());
  std::filesystem::copy(folder_ / "model.safetensors", folder_ / "consolidated.safetensors");
  EXPECT_EQ(open()->file_bytes(), 4 * open()->parameters());
  std::filesystem::rename(folder_ / "model.safetensors", folder_ / "other.safetensors");
  EXPECT_THAT(user_error([&] { open(); }), HasSubstr("in another file, too"));
}

TEST_F(HuggingFace, MissingFilesAreNamed) {
  EXPECT_THAT(user_error([&] { open(); }), HasSubstr("no *.safetensors"));
  testing::write_huggingface(folder_.path());
  std::filesystem::remove(folder_ / "tokenizer.json");
  EXPECT_THAT(user_error([&] { open(); }),
              AllOf(HasSubstr("tokenizer.json"), HasSubstr("AutoTokenizer")));
  std::filesystem::remove(folder_ / "config.json");
  EXPECT_THAT(user_error([&] { open(); }), HasSubstr("config.json"));
}

} // namespace
} // namespace peakbench::llm
