#include "llm/bpe_tokenizer.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

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
using Ids = std::vector<std::int32_t>;

struct OracleResult {
  int lines = 0, wrong = 0, wrong_round_trips = 0;
  std::string first_wrong;
};

OracleResult compare(const std::filesystem::path& shared, const Tokenizer& tokenizer,
                     const char* column) {
  OracleResult result;
  std::ifstream file(shared / "data/tokenizers/oracle.jsonl");
  for (std::string line; std::getline(file, line);) {
    const json entry = json::parse(line);
    if (!entry.contains(column))
      continue;
    const auto text = entry["text"].get<std::string>();
    const Ids ids = tokenizer.encode(text);
    ++result.lines;
    if (ids != entry[column].get<Ids>() && result.wrong++ == 0)
      result.first_wrong = text;
    result.wrong_round_trips += tokenizer.decode(ids, true) != text;
  }
  return result;
}

std::unique_ptr<Tokenizer> shared_tokenizer(const std::filesystem::path& shared, const char* name) {
  return open_tokenizer((shared / "data/tokenizers" / name).string());
}

TEST(Oracle, SmolLm2) {
  PEAKBENCH_NEEDS_SHARED(shared);
  PEAKBENCH_NEEDS_SMOLLM2(model);
  const auto tokenizer = open_tokenizer(model.string());
  const OracleResult result = compare(shared, *tokenizer, "smollm2");
  EXPECT_EQ(result.lines, 190);
  EXPECT_EQ(result.wrong, 0) << result.first_wrong;
  EXPECT_EQ(result.wrong_round_trips, 0);
  EXPECT_EQ(tokenizer->description(), "byte-level BPE, pre-tokenizer smollm, 48900 merges");
}

TEST(Oracle, Qwen25) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const auto tokenizer = shared_tokenizer(shared, "qwen2.5-tokenizer.json");
  const OracleResult result = compare(shared, *tokenizer, "qwen2_5");
  EXPECT_EQ(result.lines, 190);
  EXPECT_EQ(result.wrong, 0) << result.first_wrong;
  EXPECT_EQ(result.wrong_round_trips, 1); // the decomposed accents come back composed
  EXPECT_THAT(tokenizer->end_tokens(), ElementsAre(151645));
  EXPECT_EQ(tokenizer->vocabulary(), 151665);
  EXPECT_EQ(tokenizer->chat_family(), "chatml");
}

TEST(Oracle, Gpt2) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const auto tokenizer = shared_tokenizer(shared, "gpt2-tokenizer.json");
  const OracleResult result = compare(shared, *tokenizer, "gpt2");
  EXPECT_EQ(result.lines, 188);
  EXPECT_EQ(result.wrong, 0) << result.first_wrong;
  EXPECT_EQ(result.wrong_round_trips, 0);
}

// The same vocabulary with one thing wrong must not pass.
TEST(Oracle, SeesAWrongPretokenizerAndAMissingNormaliser) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const ScratchFolder folder;
  json tokenizer =
      json::parse(peakbench::testing::read_file(shared / "data/tokenizers/qwen2.5-tokenizer.json"));
  const json as_published = tokenizer;
  tokenizer["normalizer"] = nullptr;
  write_file(folder / "tokenizer.json", tokenizer.dump());
  EXPECT_GT(compare(shared, *open_tokenizer((folder / "tokenizer.json").string()), "qwen2_5").wrong,
            0);
  tokenizer = as_published;
  tokenizer["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] =
      PreTokenizer::byte_level_pattern();
  write_file(folder / "tokenizer.json", tokenizer.dump());
  EXPECT_GT(compare(shared, *open_tokenizer((folder / "tokenizer.json").string()), "qwen2_5").wrong,
            5);
}

// A small vocabulary in both formats: bytes, "th", "the", " the" (256 to 258) and special tokens.
class SmallBpe : public ::testing::Test {
protected:
  std::unique_ptr<Tokenizer> gguf(const testing::GgufWriter& writer = testing::small_gguf()) {
    write_file(folder_ / "m.gguf", writer.bytes());
    return open_tokenizer((folder_ / "m.gguf").string());
  }
  std::unique_ptr<Tokenizer> from_json(const json& changes = json::object()) {
    json all = json::parse(testing::huggingface_tokenizer());
    all.merge_patch(changes);
    write_file(folder_ / "tokenizer.json", all.dump());
    return open_tokenizer((folder_ / "tokenizer.json").string());
  }
  std::string error(const json& changes) {
    return user_error([&] { from_json(changes); });
  }
  ScratchFolder folder_;
};

TEST_F(SmallBpe, MergesInsidePiecesAndCutsOutSpecialTokens) {
  for (const auto& tokenizer : {gguf(), from_json()}) {
    EXPECT_THAT(tokenizer->encode("the the"), ElementsAre(257, 258));
    EXPECT_THAT(tokenizer->encode("t he"), ElementsAre('t', ' ', 'h', 'e'));
    EXPECT_THAT(tokenizer->encode("<|im_start|>the<|im_end|>"), ElementsAre(261, 257, 262));
    EXPECT_EQ(tokenizer->encode("<|im_start>").size(), 11u);
    EXPECT_THAT(tokenizer->encode(""), ElementsAre());
    EXPECT_EQ(tokenizer->decode(Ids{261, 257, 258}), "the the");
    EXPECT_EQ(tokenizer->decode(Ids{261, 257, 258}, true), "<|im_start|>the the");
    EXPECT_EQ(tokenizer->decode(Ids{-1, 257, 263, 1 << 30}), "the"); // padding rows of a model
  }
}

TEST_F(SmallBpe, IgnoreMergesTakesWholePieces) {
  // "he" is a token that no merge makes.
  const json changes = {
      {"model", {{"vocab", {{"he", 258}, {"\u0120the", nullptr}}}, {"merges", {"t h"}}}}};
  json with = changes;
  with["model"]["ignore_merges"] = true;
  EXPECT_THAT(from_json(changes)->encode("he"), ElementsAre('h', 'e'));
  EXPECT_THAT(from_json(with)->encode("he"), ElementsAre(258));
  EXPECT_THAT(from_json(with)->encode("she"), ElementsAre('s', 'h', 'e'));
}

TEST_F(SmallBpe, AnyBytesSurvive) {
  const auto tokenizer = gguf();
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (std::size_t i = 0, n = random() % 60; i < n; ++i)
      text += random() % 3 ? static_cast<char>(random()) : "the <|i"[random() % 7];
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text), true), text);
  }
  for (const std::string& text :
       {std::string("\0a\0", 3), std::string("\xFF\xFE the \xC3"), std::string("\xED\xA0\x80"),
        std::string("a\r\n\t \n"), std::string("\u4E2D\u6587\U0001F389"), std::string(5000, ' ')})
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
}

TEST_F(SmallBpe, ABytesTokenThatIsMissingIsLeftOut) {
  // As in SmolLM2's vocabulary; its neighbours are then neighbours, as in the reference.
  auto tokens = testing::small_tokens();
  tokens[4] = "unreachable";
  const auto tokenizer = gguf(testing::small_gguf().texts("tokenizer.ggml.tokens", tokens));
  EXPECT_THAT(tokenizer->encode("t\x04he"), ElementsAre('t', 'h', 'e'));
  EXPECT_THAT(tokenizer->encode("\x04"), ElementsAre());
}

TEST_F(SmallBpe, AddedTokensAreLookedForBeforeOrAfterNormalisation) {
  json all = json::parse(testing::huggingface_tokenizer());
  json added = all["added_tokens"];
  added.push_back({{"id", 263}, {"content", "\u00E9!"}, {"normalized", true}});
  added.push_back({{"id", 264}, {"content", "\u00E9?"}, {"normalized", false}});
  const auto tokenizer = from_json({{"normalizer", {{"type", "NFC"}}}, {"added_tokens", added}});
  EXPECT_THAT(tokenizer->encode("e\u0301!"), ElementsAre(263));
  EXPECT_THAT(tokenizer->encode("\u00E9?"), ElementsAre(264));
  EXPECT_THAT(tokenizer->encode("e\u0301?"), ElementsAre(0xC3, 0xA9, '?'));
  EXPECT_EQ(tokenizer->decode(Ids{263}), "\u00E9!"); // added, not special
}

TEST_F(SmallBpe, WorkIsLinearAlsoWithoutBlanks) {
  const auto tokenizer = gguf();
  const auto work_of = [&](const std::string& unit, std::size_t length) {
    std::string text;
    while (text.size() < length)
      text += unit;
    MergeWork work;
    dynamic_cast<const BpeTokenizer&>(*tokenizer).encode_counting(text, work);
    return work.lookups + work.moves;
  };
  for (const char* unit : {"the", "the ", "a", " ", "\n", "thth", "\u4E2D"}) {
    const std::int64_t small = work_of(unit, 1 << 14), large = work_of(unit, 1 << 18);
    EXPECT_LE(large, small * 20) << unit; // 16 times the text
    EXPECT_LE(large, std::int64_t{8} << 18) << unit;
  }
}

TEST_F(SmallBpe, BeginAndEndTokens) {
  const auto plain = gguf();
  EXPECT_FALSE(plain->begin_token());
  EXPECT_THAT(plain->end_tokens(), ElementsAre(260));
  const auto asking = gguf(testing::small_gguf()
                               .boolean("tokenizer.ggml.add_bos_token", true)
                               .integer("tokenizer.ggml.eot_token_id", 262)
                               .integer("tokenizer.ggml.eom_token_id", 260));
  EXPECT_EQ(asking->begin_token(), 259);
  EXPECT_THAT(asking->end_tokens(), ElementsAre(260, 262));
  EXPECT_THAT(asking->encode("the"), ElementsAre(257)); // encode adds nothing
  EXPECT_THAT(asking->encode_prompt("the", PromptFormat::raw), ElementsAre(259, 257));
  const auto llama3 = gguf(testing::small_gguf().text("tokenizer.ggml.pre", "llama-bpe"));
  EXPECT_EQ(llama3->begin_token(), 259); // unless the file says no
  EXPECT_FALSE(gguf(testing::small_gguf()
                        .text("tokenizer.ggml.pre", "llama-bpe")
                        .boolean("tokenizer.ggml.add_bos_token", false))
                   ->begin_token());
}

TEST_F(SmallBpe, NeighboursOfTokenizerJson) {
  write_file(
      folder_ / "tokenizer_config.json",
      R"({"bos_token": {"content": "<|begin|>"}, "eos_token": "<|im_end|>", "add_bos_token": true,
                 "chat_template": [{"name": "tool_use", "template": "x"},
                                   {"name": "default", "template":
                    "{{ '<|im_start|>user\\n' + messages[0].content + '<|im_end|>\\n<|im_start|>assistant\\n' }}"}]})");
  write_file(folder_ / "generation_config.json", R"({"eos_token_id": [260, 262]})");
  write_file(folder_ / "config.json", R"({"eos_token_id": 258})");
  const auto tokenizer = from_json();
  EXPECT_EQ(tokenizer->begin_token(), 259);
  EXPECT_THAT(tokenizer->end_tokens(), ElementsAre(260, 262));
  EXPECT_EQ(tokenizer->chat_family(), "chatml");
  EXPECT_THAT(tokenizer->encode_prompt("the", PromptFormat::chat),
              ElementsAre(261, 'u', 's', 'e', 'r', '\n', 257, 262, '\n', 261, 'a', 's', 's', 'i',
                          's', 't', 'a', 'n', 't', '\n'));
  std::filesystem::remove(folder_ / "tokenizer_config.json");
  std::filesystem::remove(folder_ / "generation_config.json");
  EXPECT_THAT(from_json()->end_tokens(), ElementsAre(258));
  EXPECT_THAT(user_error([&] { from_json()->chat_text("Hi"); }), HasSubstr("no chat template"));
  write_file(folder_ / "chat_template.jinja", "[INST]{{ messages[0].content }}");
  EXPECT_EQ(from_json()->chat_text("Hi"), "[INST]Hi");
}

TEST_F(SmallBpe, TheTemplateOfThePostProcessorBeginsAPrompt) {
  const json step = {
      {"type", "TemplateProcessing"},
      {"single", {{{"SpecialToken", {{"id", "<|begin|>"}}}}, {{"Sequence", {{"id", "A"}}}}}},
      {"special_tokens", {{"<|begin|>", {{"ids", {259}}}}}}};
  const json sequence = {{"type", "Sequence"}, {"processors", {{{"type", "ByteLevel"}}, step}}};
  EXPECT_EQ(from_json({{"post_processor", sequence}})->begin_token(), 259);
}

TEST_F(SmallBpe, UnsupportedPartsAreNamed) {
  EXPECT_THAT(error({{"model", {{"type", "Unigram"}}}}),
              AllOf(HasSubstr("Unigram"), HasSubstr("supported: BPE")));
  EXPECT_THAT(error({{"normalizer", {{"type", "NFKC"}}}}), HasSubstr("NFKC"));
  EXPECT_THAT(error({{"pre_tokenizer", {{"type", "Whitespace"}}}}), HasSubstr("Whitespace"));
  EXPECT_THAT(error({{"pre_tokenizer", {{"add_prefix_space", true}}}}),
              HasSubstr("add_prefix_space"));
  EXPECT_THAT(error({{"pre_tokenizer", nullptr}}), HasSubstr("neither a byte-level BPE"));
  EXPECT_THAT(error({{"model", {{"end_of_word_suffix", "</w>"}}}}),
              HasSubstr("end_of_word_suffix"));
  EXPECT_THAT(error({{"model", nullptr}}), HasSubstr("not a tokenizer.json"));
  const json split = {
      {"type", "Split"}, {"pattern", {{"Regex", "x"}}}, {"behavior", "Removed"}, {"invert", false}};
  EXPECT_THAT(error({{"pre_tokenizer", split}}), HasSubstr("Split Removed"));
}

TEST_F(SmallBpe, InconsistentFilesAreRefused) {
  EXPECT_THAT(error({{"model", {{"vocab", {{"he", 5}}}}}}), HasSubstr("two tokens have id 5"));
  EXPECT_THAT(error({{"model", {{"vocab", {{"he", -1}}}}}}), HasSubstr("out of range"));
  EXPECT_THAT(error({{"model", {{"vocab", {{"he", 1000000000}}}}}}), HasSubstr("out of range"));
  EXPECT_THAT(error({{"model", {{"vocab", {{"a b", 300}}}}}}), HasSubstr("byte-level alphabet"));
  EXPECT_THAT(error({{"model", {{"merges", {"x y"}}}}}), HasSubstr("not in the vocabulary"));
  EXPECT_THAT(error({{"model", {{"merges", {"xy"}}}}}), HasSubstr("merge 0 is malformed"));
  EXPECT_THAT(error({{"added_tokens", {{{"content", "x"}}}}}), HasSubstr("'id' is missing"));
  EXPECT_THAT(
      user_error([&] { gguf(testing::small_gguf().integer("tokenizer.ggml.eos_token_id", 263)); }),
      HasSubstr("eos_token_id 263"));
  EXPECT_THAT(
      user_error([&] { gguf(testing::small_gguf().integers("tokenizer.ggml.token_type", {1})); }),
      HasSubstr("1 token types"));
  EXPECT_THAT(user_error([&] { gguf(testing::small_gguf().remove("tokenizer.ggml.merges")); }),
              HasSubstr("no merges"));
  EXPECT_THAT(
      user_error([&] { gguf(testing::small_gguf().texts("tokenizer.ggml.merges", {"t"})); }),
      HasSubstr("merge 0"));
}

TEST_F(SmallBpe, CutTokenizerJson) {
  const std::string whole = testing::huggingface_tokenizer();
  const std::string path = (folder_ / "tokenizer.json").string();
  write_file(path, whole);
  for (std::size_t length = whole.size() - 1; length > 7; length -= 7) {
    std::filesystem::resize_file(path, length);
    EXPECT_THROW(open_tokenizer(path), UserError) << "length " << length;
  }
}

TEST(ByteLevelAlphabet, IsItsOwnInverse) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte)
    all += static_cast<char>(byte);
  EXPECT_EQ(bytes_of_byte_level(testing::byte_level(all)), all);
  EXPECT_EQ(bytes_of_byte_level("\u0120the"), " the");
  EXPECT_FALSE(bytes_of_byte_level(" the"));
  EXPECT_FALSE(bytes_of_byte_level("\u4E2D"));
}

} // namespace
} // namespace peakbench::llm
