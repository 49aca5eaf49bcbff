#include "llm/llama2c.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "expect_error.h"
#include "model_writer.h"
#include "support/support.h"

namespace peakbench::llm {
namespace {

using peakbench::testing::read_file;
using peakbench::testing::write_file;
using testing::bytes_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::user_error;

constexpr const char* kFolder = "data/models/stories260k";

TEST(Llama2c, StoriesOpens) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const auto source = ModelSource::open((shared / kFolder / "stories260K.bin").string());
  const ModelConfig& c = source->config();
  EXPECT_THAT((std::vector<std::int64_t>{c.layers, c.width, c.heads, c.kv_heads, c.head_width,
                                         c.mlp_width, c.vocabulary, c.context}),
              ElementsAre(5, 64, 8, 4, 8, 172, 512, 512));
  EXPECT_EQ(c.format, "llama2.c");
  EXPECT_TRUE(c.tied_embedding);
  EXPECT_EQ(source->parameters(), 260032);
  for (const WeightShape& weight : weight_shapes(c))
    EXPECT_EQ(source->tensor(weight.name, at::kFloat, at::kCPU).sizes().vec(), weight.shape);
  EXPECT_THAT(source->tokenizer()->end_tokens(), ElementsAre(1, 2));
  EXPECT_EQ(source->tokenizer()->begin_token(), 1);
}

TEST(Llama2c, RowsComeOutInHalves) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const std::string path = (shared / kFolder / "stories260K.bin").string();
  const std::string bytes = read_file(path);
  // wq follows the embedding and the five layers' first norms.
  const std::size_t offset = 28 + 4 * (512 * 64 + 5 * 64);
  std::vector<float> rows(64 * 64);
  std::memcpy(rows.data(), bytes.data() + offset, rows.size() * 4);
  const at::Tensor expected =
      at::tensor(rows).view({8, 4, 2, 64}).transpose(1, 2).reshape({64, 64});
  const auto source = ModelSource::open(path);
  EXPECT_TRUE(at::equal(
      source->tensor("model.layers.0.self_attn.q_proj.weight", at::kFloat, at::kCPU), expected));
  EXPECT_FALSE(at::equal(expected, at::tensor(rows).view({64, 64})));
}

class Llama2cBroken : public ::testing::Test {
protected:
  // Width 8, feed-forward 12, 1 layer, 2 heads, 1 KV head, `vocabulary` tokens, context 4.
  std::string model(std::int32_t vocabulary) const {
    const std::size_t floats = 259 * 8 + 8 + 64 + 32 + 32 + 64 + 8 + 3 * 96 + 8 + 2 * 4 * 2 +
                               (vocabulary < 0 ? 259 * 8 : 0);
    return bytes_of(std::vector<std::int32_t>{8, 12, 1, 2, 1, vocabulary, 4}) +
           std::string(4 * floats, '\0');
  }
  void write(const std::string& bytes) {
    write_file(folder_ / "m.bin", bytes);
    std::string tokenizer = bytes_of(1);
    for (int id = 0; id < 259; ++id)
      tokenizer += bytes_of(0.0f) + bytes_of(1) + "x";
    write_file(folder_ / "tok.bin", tokenizer);
  }
  std::string error(const std::string& bytes) {
    write(bytes);
    return user_error([&] { ModelSource::open((folder_ / "m.bin").string()); });
  }
  peakbench::testing::ScratchFolder folder_;
};

TEST_F(Llama2cBroken, ANegativeVocabularyMeansAHeadOfItsOwn) {
  write(model(259));
  EXPECT_TRUE(ModelSource::open((folder_ / "m.bin").string())->config().tied_embedding);
  write(model(-259));
  EXPECT_FALSE(ModelSource::open((folder_ / "m.bin").string())->config().tied_embedding);
}

TEST_F(Llama2cBroken, ErrorsNameTheOffset) {
  const std::string whole = model(259);
  EXPECT_THAT(error(whole.substr(0, 20)), HasSubstr("inside the header at byte 20"));
  EXPECT_THAT(error(whole.substr(0, 5000)),
              HasSubstr("inside tensor 'model.embed_tokens.weight' at byte 28"));
  EXPECT_THAT(error(whole.substr(0, whole.size() - 1)),
              HasSubstr("inside tensor '-rotary tables'"));
  EXPECT_THAT(error(whole + "x"), HasSubstr("1 bytes behind the last tensor"));
  EXPECT_THAT(error(bytes_of(std::vector<std::int32_t>{8, 12, 1, 0, 1, 259, 4})),
              HasSubstr("0 heads"));
  EXPECT_THAT(error(bytes_of(std::vector<std::int32_t>{-8, 12, 1, 2, 1, 259, 4})),
              HasSubstr("width"));
  EXPECT_THAT(error(bytes_of(std::vector<std::int32_t>(7, INT32_MAX))), HasSubstr("expected 1 to"));
  EXPECT_THAT(error(bytes_of(std::vector<std::int32_t>{8, 12, 1, 2, 1, INT32_MIN, 4})),
              HasSubstr("vocabulary"));
}

TEST_F(Llama2cBroken, TheTokenizerIsLookedForBeside) {
  write_file(folder_ / "m.bin", model(259));
  EXPECT_THAT(user_error([&] { ModelSource::open((folder_ / "m.bin").string()); }),
              HasSubstr("0 tokenizers"));
}

TEST_F(Llama2cBroken, TokenizersCutShort) {
  write(model(259));
  const std::string whole = read_file(folder_ / "tok.bin");
  const std::string path = (folder_ / "tok.bin").string();
  EXPECT_NO_THROW(open_llama2c_tokenizer(path));
  for (std::size_t length = whole.size(); length-- > 0;) {
    std::filesystem::resize_file(path, length);
    EXPECT_THROW(open_llama2c_tokenizer(path), UserError) << "length " << length;
  }
  write_file(path, bytes_of(1) + bytes_of(0.0f) + bytes_of(-5));
  EXPECT_THAT(user_error([&] { open_llama2c_tokenizer(path); }), HasSubstr("has -5 bytes"));
  write_file(path, bytes_of(1) + bytes_of(NAN) + bytes_of(0));
  EXPECT_THAT(user_error([&] { open_llama2c_tokenizer(path); }), HasSubstr("no finite score"));
}

} // namespace
} // namespace peakbench::llm
