#include "llm/sentencepiece_tokenizer.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "expect_error.h"
#include "model_writer.h"
#include "support/support.h"

namespace peakbench::llm {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::user_error;
using Ids = std::vector<std::int32_t>;

constexpr const char* kBlank = "\u2581";

// <unk> <s> </s>, 256 bytes (3 to 258), then blank, t, h, e, th, he, the, blank+the (259 to 266).
std::vector<std::string> tokens() {
  std::vector<std::string> all{"<unk>", "<s>", "</s>"};
  for (int byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", static_cast<unsigned>(byte));
    all.emplace_back(text);
  }
  for (const char* text : {kBlank, "t", "h", "e", "th", "he", "the"})
    all.emplace_back(text);
  all.push_back(std::string(kBlank) + "the");
  return all;
}

class SentencePiece : public ::testing::Test {
protected:
  // "he" has a better score than "th".
  testing::GgufWriter gguf_parts() const {
    std::vector<std::int32_t> types{2, 3, 3};
    types.insert(types.end(), 256, 6);
    types.insert(types.end(), 8, 1);
    std::vector<float> scores(259, 0.0f);
    for (const float score : {-9.f, -9.f, -9.f, -9.f, -2.f, -1.f, -3.f, -4.f})
      scores.push_back(score);
    testing::GgufWriter writer;
    writer.text("tokenizer.ggml.model", "llama")
        .texts("tokenizer.ggml.tokens", tokens())
        .integers("tokenizer.ggml.token_type", types)
        .numbers("tokenizer.ggml.scores", scores)
        .integer("tokenizer.ggml.bos_token_id", 1)
        .integer("tokenizer.ggml.eos_token_id", 2);
    return writer;
  }
  std::unique_ptr<Tokenizer> gguf(const testing::GgufWriter& writer) {
    peakbench::testing::write_file(folder_ / "m.gguf", writer.bytes());
    return open_tokenizer((folder_ / "m.gguf").string());
  }
  std::unique_ptr<Tokenizer> from_json(const json& changes) {
    json vocabulary;
    const auto all = tokens();
    for (std::size_t id = 0; id < all.size(); ++id)
      vocabulary[all[id]] = id;
    json added = json::array();
    for (int id = 0; id < 3; ++id)
      added.push_back(
          {{"id", id}, {"content", all[static_cast<std::size_t>(id)]}, {"special", true}});
    const std::string blank = kBlank;
    json file = {{"added_tokens", added},
                 {"normalizer",
                  {{"type", "Sequence"},
                   {"normalizers",
                    {{{"type", "Prepend"}, {"prepend", blank}},
                     {{"type", "Replace"}, {"content", blank}}}}}},
                 {"model",
                  {{"type", "BPE"},
                   {"byte_fallback", true},
                   {"vocab", vocabulary},
                   {"merges", {"h e", "t h", "t he", "th e", blank + " the"}}}}};
    file.merge_patch(changes);
    peakbench::testing::write_file(folder_ / "tokenizer.json", file.dump());
    return open_tokenizer((folder_ / "tokenizer.json").string());
  }
  peakbench::testing::ScratchFolder folder_;
};

TEST_F(SentencePiece, BestScoreFirstThenBytes) {
  for (const auto& tokenizer : {gguf(gguf_parts()), from_json(json::object())}) {
    EXPECT_THAT(tokenizer->encode("the"), ElementsAre(266));
    EXPECT_THAT(tokenizer->encode("tthe"), ElementsAre(259, 260, 265));
    EXPECT_THAT(tokenizer->encode("xhe"), ElementsAre(259, 'x' + 3, 264));
    EXPECT_THAT(tokenizer->encode("\u00E9"), ElementsAre(259, 0xC3 + 3, 0xA9 + 3));
    EXPECT_THAT(tokenizer->encode("\xFF"), ElementsAre(259, 0xFF + 3));
    EXPECT_THAT(tokenizer->encode(std::string(kBlank) + "the"), ElementsAre(259, 266));
    EXPECT_THAT(tokenizer->encode("</s>the"), ElementsAre(2, 266));
    EXPECT_THAT(tokenizer->encode(""), ElementsAre());
  }
}

TEST_F(SentencePiece, TheBlankBeforeTheTextGoesWithTheBeginToken) {
  const auto tokenizer = gguf(gguf_parts());
  EXPECT_EQ(tokenizer->begin_token(), 1);
  const Ids prompt = tokenizer->encode_prompt("the the", PromptFormat::raw);
  EXPECT_THAT(prompt, ElementsAre(1, 266, 266));
  EXPECT_EQ(tokenizer->decode(prompt), "the the");
  EXPECT_EQ(tokenizer->decode(prompt, true), "<s>the the");
  EXPECT_EQ(tokenizer->decode(Ids{266}), " the"); // an answer that goes on with a new word
  const auto without = gguf(gguf_parts().boolean("tokenizer.ggml.add_space_prefix", false));
  EXPECT_THAT(without->encode("the"), ElementsAre(265));
}

TEST_F(SentencePiece, MetaspaceSaysWhereTheBlankGoes) {
  const auto with = [&](const char* scheme) {
    return from_json(
        {{"normalizer", nullptr},
         {"pre_tokenizer", {{"type", "Metaspace"}, {"split", false}, {"prepend_scheme", scheme}}}});
  };
  EXPECT_THAT(with("always")->encode("the</s>the"), ElementsAre(266, 2, 266));
  EXPECT_THAT(with("first")->encode("the</s>the"), ElementsAre(266, 2, 265));
  EXPECT_THAT(with("never")->encode("the</s>the"), ElementsAre(265, 2, 265));
}

TEST_F(SentencePiece, BadScores) {
  EXPECT_THAT(user_error([&] { gguf(gguf_parts().numbers("tokenizer.ggml.scores", {1})); }),
              HasSubstr("1 scores"));
  EXPECT_THAT(user_error([&] {
                gguf(gguf_parts().numbers("tokenizer.ggml.scores", std::vector<float>(267, NAN)));
              }),
              HasSubstr("score nan"));
  EXPECT_THAT(user_error([&] { gguf(gguf_parts().remove("tokenizer.ggml.scores")); }),
              HasSubstr("no scores"));
}

TEST(StoriesTokenizer, IdsOfItsOwnProgram) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const auto tokenizer = open_tokenizer((shared / "data/models/stories260k/tok512.bin").string());
  EXPECT_EQ(tokenizer->vocabulary(), 512);
  const Ids once = tokenizer->encode_prompt("Once upon a time", PromptFormat::raw);
  EXPECT_THAT(once, ElementsAre(1, 403, 407, 261, 378));
  for (const std::string text :
       {"Once upon a time, there was a little girl.", "  two  blanks ", "caf\u00E9 \u4E2D\n"})
    EXPECT_EQ(tokenizer->decode(tokenizer->encode_prompt(text, PromptFormat::raw)), text);
}

} // namespace
} // namespace peakbench::llm
