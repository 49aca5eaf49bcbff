#include "llm/tokenizer_utf8.h"

#include <gtest/gtest.h>

#include <vector>

namespace peakbench::llm {
namespace {

TEST(Utf8, LengthOfValidCharactersOnly) {
  EXPECT_EQ(utf8_length("a", 0), 1u);
  EXPECT_EQ(utf8_length("\xC3\xA9", 0), 2u);
  EXPECT_EQ(utf8_length("\xE2\x82\xAC", 0), 3u);
  EXPECT_EQ(utf8_length("\xF0\x9F\x8E\x89", 0), 4u);
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3(", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"})
    EXPECT_EQ(utf8_length(bad, 0), 0u) << static_cast<int>(static_cast<unsigned char>(bad[0]));
}

TEST(Utf8, PartsAreInOrderAndComplete) {
  const std::string text = "ok\xFF\xFE\xC3\xA9!\xC3";
  std::vector<std::pair<bool, std::string>> parts;
  for_each_utf8_part(
      text, [&](std::string_view part) { parts.emplace_back(true, part); },
      [&](std::string_view part) { parts.emplace_back(false, part); });
  const std::vector<std::pair<bool, std::string>> expected{
      {true, "ok"}, {false, "\xFF\xFE"}, {true, "\xC3\xA9!"}, {false, "\xC3"}};
  EXPECT_EQ(parts, expected);
}

TEST(Nfc, ComposesOrdersAndLeavesCompatibilityAlone) {
  EXPECT_EQ(normalize_nfc("plain"), "plain");
  EXPECT_EQ(normalize_nfc("e\u0301"), "\u00E9");
  EXPECT_EQ(normalize_nfc("\u00E9"), "\u00E9");
  EXPECT_EQ(normalize_nfc("\u1112\u1161\u11AB"), "\uD55C");   // Hangul
  EXPECT_EQ(normalize_nfc("\u212B"), "\u00C5");               // singleton: angstrom sign
  EXPECT_EQ(normalize_nfc("q\u0307\u0323"), "q\u0323\u0307"); // canonical order
  EXPECT_EQ(normalize_nfc("a\u0328\u0301"), "\u0105\u0301");  // one of two marks composes
  EXPECT_EQ(normalize_nfc("\u0958"), "\u0915\u093C");         // excluded from composition
  EXPECT_EQ(normalize_nfc("\uFB01 \u00BD"), "\uFB01 \u00BD"); // not NFKC
}

TEST(Nfc, AMillionCombiningMarksInDisorder) {
  // Both classes, so that every mark has to move: quadratic sorting would not end.
  std::string text = "a", sorted = "a";
  constexpr int count = 250000;
  for (int i = 0; i < count; ++i)
    text += "\u0307\u0323";
  for (int i = 1; i < count; ++i)
    sorted += "\u0323";
  for (int i = 0; i < count; ++i)
    sorted += "\u0307";
  EXPECT_EQ(normalize_nfc(text), "\u1EA1" + sorted.substr(1));
}

TEST(Blanks, AtBothEnds) {
  EXPECT_EQ(leading_blanks(" \t\u3000x "), 5u);
  EXPECT_EQ(trailing_blanks(" x\u00A0\n"), 3u);
  EXPECT_EQ(trailing_blanks("\u200B"), 0u); // zero width is no blank
  EXPECT_EQ(trailing_blanks("  "), 2u);
}

} // namespace
} // namespace peakbench::llm
