#include "llm/tokenizer_added.h"

#include <gtest/gtest.h>

namespace peakbench::llm {
namespace {

// Text in brackets, tokens by id.
std::string cut(const std::vector<AddedToken>& tokens, std::string_view text) {
  std::string result;
  AddedTokenMatcher(tokens).split(
      text, [&](std::string_view part) { result += "[" + std::string(part) + "]"; },
      [&](std::int32_t id) { result += std::to_string(id); });
  return result;
}

TEST(AddedTokens, LeftmostThenLongest) {
  const std::vector<AddedToken> tokens{{"<a>", 1}, {"<a><b>", 2}, {"b>", 3}, {"ab", 4}};
  EXPECT_EQ(cut(tokens, "x<a>y"), "[x]1[y]");
  EXPECT_EQ(cut(tokens, "<a><b>"), "2");
  EXPECT_EQ(cut(tokens, "<a><b"), "1[<b]");
  EXPECT_EQ(cut(tokens, "<b>"), "[<]3");
  EXPECT_EQ(cut(tokens, "aab"), "[a]4");
  EXPECT_EQ(cut(tokens, ""), "");
  EXPECT_EQ(cut(tokens, "abab"), "44");
  EXPECT_EQ(cut({}, "ab"), "[ab]");
}

TEST(AddedTokens, StripsBlanksOnTheSideThatAsksForIt) {
  const std::vector<AddedToken> tokens{
      {"<l>", 1, true, false}, {"<r>", 2, false, true}, {"<n>", 3}};
  EXPECT_EQ(cut(tokens, "a \n<l> b"), "[a]1[ b]");
  EXPECT_EQ(cut(tokens, "a <r>\u3000 b"), "[a ]2[b]");
  EXPECT_EQ(cut(tokens, "a <n> b"), "[a ]3[ b]");
  EXPECT_EQ(cut(tokens, "  <l><r>  "), "12");
}

TEST(AddedTokens, ManyNearMisses) {
  std::string text;
  for (int i = 0; i < 100000; ++i)
    text += "<|im_star";
  EXPECT_EQ(cut({{"<|im_start|>", 1}}, text + "<|im_start|>"), "[" + text + "]1");
}

} // namespace
} // namespace peakbench::llm
