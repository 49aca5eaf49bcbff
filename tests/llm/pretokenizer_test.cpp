#include "llm/pretokenizer.h"

#include <gmock/gmock.h>

#include "expect_error.h"

namespace peakbench::llm {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::user_error;

std::vector<std::string> split(const char* name, std::string_view text) {
  const PreTokenizer pre = PreTokenizer::named(name, "file");
  const auto pieces = pre.split(text);
  return {pieces.begin(), pieces.end()};
}

TEST(PreTokenizer, KnownPatternsDifferWhereTheyShould) {
  constexpr const char* text = "I'LL pay 1234  now\n\n ok";
  EXPECT_THAT(split("gpt-2", text),
              ElementsAre("I", "'", "LL", " pay", " 1234", " ", " now", "\n\n", " ok"));
  EXPECT_THAT(split("smollm", text), ElementsAre("I", "'", "LL", " pay", " ", "1", "2", "3", "4",
                                                 " ", " now", "\n\n", " ok"));
  EXPECT_THAT(split("qwen2", text),
              ElementsAre("I", "'LL", " pay", " ", "1", "2", "3", "4", " ", " now", "\n\n", " ok"));
  EXPECT_THAT(split("llama-bpe", text),
              ElementsAre("I", "'LL", " pay", " ", "123", "4", " ", " now", "\n\n", " ok"));
}

TEST(PreTokenizer, BlanksAreUnicodesWhiteSpace) {
  // U+0085 and U+3000 are blanks, U+180E and U+200B are not.
  EXPECT_THAT(split("gpt-2", "a\u0085\u3000"), ElementsAre("a", "\u0085\u3000"));
  EXPECT_THAT(split("gpt-2", "a!\u180E"), ElementsAre("a", "!\u180E"));
  EXPECT_THAT(split("gpt-2", "a!\u200B"), ElementsAre("a", "!\u200B"));
}

TEST(PreTokenizer, LettersAndNumbersOfUnicode16) {
  // An ideograph of Unicode 15, a hieroglyph and a digit of 16, and a code point that is none.
  EXPECT_THAT(split("qwen2", "\U00031350's"), ElementsAre("\U00031350", "'s"));
  EXPECT_THAT(split("gpt-2", "a\U00013B84"), ElementsAre("a\U00013B84"));
  EXPECT_THAT(split("gpt-2", "a\U0001CCF0"), ElementsAre("a", "\U0001CCF0"));
  EXPECT_THAT(split("gpt-2", "1\U0001CCF0"), ElementsAre("1\U0001CCF0"));
  EXPECT_THAT(split("gpt-2", "a\U0003FFF0"), ElementsAre("a", "\U0003FFF0"));
}

TEST(PreTokenizer, PiecesPutTogetherAreTheText) {
  for (const char* name : {"gpt-2", "smollm", "qwen2", "llama-bpe"})
    for (const std::string text :
         {"", " ", "a", "  a\r\n\r\n b\t", "\u4E2D\u6587 1\u00BD", "''s'S"}) {
      std::string whole;
      for (const std::string& piece : split(name, text))
        whole += piece;
      EXPECT_EQ(whole, text) << name;
    }
}

TEST(PreTokenizer, LongRunsNeedNoStack) {
  std::string blanks(1 << 20, ' ');
  blanks.back() = 'x';
  for (const char* name : {"gpt-2", "smollm", "qwen2", "llama-bpe"}) {
    EXPECT_EQ(split(name, std::string(1 << 20, 'a')).size(), 1u) << name;
    EXPECT_EQ(split(name, blanks).size(), 2u) << name;
    EXPECT_EQ(split(name, std::string(1 << 20, '!')).size(), 1u) << name;
  }
}

TEST(PreTokenizer, NamesTheFamilyOfAPattern) {
  EXPECT_EQ(PreTokenizer::from_patterns({PreTokenizer::byte_level_pattern()}, "f").name(), "gpt-2");
  EXPECT_EQ(
      PreTokenizer::from_patterns({R"(\p{N})", PreTokenizer::byte_level_pattern()}, "f").name(),
      "smollm");
  EXPECT_EQ(PreTokenizer::from_patterns({"x+"}, "f").name(), "custom");
}

TEST(PreTokenizer, RefusesWhatItCannotDo) {
  EXPECT_THAT(user_error([] { PreTokenizer::named("tekken", "m.gguf"); }),
              AllOf(HasSubstr("m.gguf"), HasSubstr("tekken"), HasSubstr("smollm, qwen2")));
  EXPECT_THAT(user_error([] { PreTokenizer::from_patterns({"(x"}, "f"); }), HasSubstr("(x"));
  EXPECT_THAT(user_error([] { PreTokenizer::from_patterns({"[a-z&&[^b]]"}, "f"); }),
              HasSubstr("intersects"));
}

} // namespace
} // namespace peakbench::llm
