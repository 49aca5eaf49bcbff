#include "suite/prompts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "support/support.h"

namespace peakbench::suite {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class PromptFile : public ::testing::Test {
protected:
  std::vector<Prompt> read(const std::string& text) {
    peakbench::testing::write_file(scratch_ / "p.jsonl", text);
    return read_prompts({(scratch_ / "p.jsonl").string(), {}, {}, 1}, "");
  }
  std::string error_of(const std::string& text) {
    try {
      read(text);
    } catch (const UserError& error) {
      return std::string(error.what()).substr((scratch_ / "").string().size());
    }
    return "no error";
  }
  peakbench::testing::ScratchFolder scratch_;
};

TEST_F(PromptFile, GivesIdTextAndDomain) {
  const auto prompts = read("{\"id\": \"a\", \"text\": \"Höher?\", \"domain\": \"x\", \"rating\": "
                            "3}\n\n{\"id\": \"b\", \"text\": \"no\"}");
  ASSERT_EQ(prompts.size(), 2u);
  EXPECT_EQ(prompts[0].id, "a");
  EXPECT_EQ(prompts[0].text, "Höher?");
  EXPECT_EQ(prompts[0].domain, "x");
  EXPECT_EQ(prompts[1].domain, "");
  EXPECT_NE(prompts[0].hash, prompts[1].hash);
}

TEST_F(PromptFile, ErrorsNameTheLine) {
  const std::string good = "{\"id\": \"a\", \"text\": \"t\"}\n";
  EXPECT_THAT(error_of(good + "{\"id\": \"b\"\n"), StartsWith("p.jsonl:2: not valid JSON"));
  EXPECT_THAT(error_of(good + "\n[1]\n"), StartsWith("p.jsonl:3: not a JSON object"));
  EXPECT_THAT(error_of(good + "{\"text\": \"t\"}"), StartsWith("p.jsonl:2: no \"id\""));
  EXPECT_THAT(error_of("{\"id\": \"b\"}"), StartsWith("p.jsonl:1: no \"text\""));
  EXPECT_THAT(error_of("{\"id\": 7, \"text\": \"t\"}"),
              StartsWith("p.jsonl:1: \"id\" is not text"));
  EXPECT_THAT(error_of("{\"id\": \"b\", \"text\": \"\"}"),
              StartsWith("p.jsonl:1: \"text\" is empty"));
  EXPECT_THAT(error_of(good + good), HasSubstr("\"a\" is used twice (first in line 1)"));
  EXPECT_THAT(error_of("\n"), HasSubstr("no prompts in it"));
  EXPECT_THAT(error_of("{\"id\": \"b\", \"text\": \"\xff\"}"),
              StartsWith("p.jsonl:1: not valid JSON"));
}

TEST(Prompts, AMissingFileIsNamed) {
  EXPECT_THAT(
      [] {
        read_prompts({"none.jsonl", {}, {}, 1}, "");
      },
      ::testing::ThrowsMessage<UserError>(HasSubstr("none.jsonl: no such prompt file")));
}

// One token per byte; the chat template puts two tokens before and three behind.
class ByteTokenizer final : public llm::Tokenizer {
public:
  std::vector<std::int32_t> encode(std::string_view text) const override {
    return {text.begin(), text.end()};
  }
  std::string decode(std::span<const std::int32_t> ids, bool) const override {
    return {ids.begin(), ids.end()};
  }
  std::int64_t vocabulary() const override { return 256; }
  std::string description() const override { return "bytes"; }
  const std::vector<std::int32_t>& end_tokens() const override { return none_; }
  std::optional<std::int32_t> begin_token() const override { return std::nullopt; }
  std::string chat_family() const override { return "test"; }
  std::string chat_text(std::string_view text) const override {
    return "<<" + std::string(text) + ">>:";
  }

private:
  std::vector<std::int32_t> none_;
};

TEST(GeneratedPrompts, HaveExactlyTheirLength) {
  const ByteTokenizer tokenizer;
  for (const Prompt& prompt : read_prompts({"", {}, {6, 50, 1000}, 2}, ""))
    for (const auto format : {llm::PromptFormat::raw, llm::PromptFormat::chat}) {
      const auto ids = encode(prompt, &tokenizer, format, 256);
      EXPECT_EQ(static_cast<std::int64_t>(ids.size()), prompt.generated_tokens) << prompt.id;
      const std::string text = tokenizer.decode(ids, true);
      EXPECT_EQ(text.starts_with("<<") && text.ends_with(">>:"), format == llm::PromptFormat::chat)
          << text;
    }
}

TEST(GeneratedPrompts, DifferFromEachOtherAndRepeat) {
  const ByteTokenizer tokenizer;
  const auto prompts = read_prompts({"", {}, {40}, 5}, ""),
             again = read_prompts({"", {}, {40}, 5}, "");
  std::set<std::vector<std::int32_t>> all;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    all.insert(encode(prompts[i], &tokenizer, llm::PromptFormat::raw, 256));
    EXPECT_EQ(encode(prompts[i], &tokenizer, llm::PromptFormat::raw, 256),
              encode(again[i], &tokenizer, llm::PromptFormat::raw, 256));
  }
  EXPECT_EQ(all.size(), 5u);
}

TEST(GeneratedPrompts, TooShortForTheTemplateIsAnError) {
  const ByteTokenizer tokenizer;
  const Prompt prompt = read_prompts({"", {}, {3}, 1}, "").front();
  EXPECT_THROW(encode(prompt, &tokenizer, llm::PromptFormat::chat, 256), UserError);
}

TEST(GeneratedPrompts, WithoutATokenizerAreIdsOfTheVocabulary) {
  const Prompt prompt = read_prompts({"", {}, {500}, 1}, "").front();
  const auto ids = encode(prompt, nullptr, llm::PromptFormat::raw, 32);
  EXPECT_EQ(ids.size(), 500u);
  EXPECT_GE(*std::min_element(ids.begin(), ids.end()), 0);
  EXPECT_EQ(*std::max_element(ids.begin(), ids.end()), 31);
}

TEST(Prompts, ATextNeedsATokenizer) {
  const Prompt prompt = read_prompts({"", {"hello"}, {}, 1}, "").front();
  EXPECT_EQ(prompt.id, "text-1");
  EXPECT_THROW(encode(prompt, nullptr, llm::PromptFormat::raw, 32), UserError);
  const ByteTokenizer tokenizer;
  EXPECT_EQ(encode(prompt, &tokenizer, llm::PromptFormat::raw, 256).size(), 5u);
}

} // namespace
} // namespace peakbench::suite
