#include "report/shown_text.h"

#include <gtest/gtest.h>

namespace peakbench::report {
namespace {

TEST(ShownText, LeavesOrdinaryTextAlone) {
  for (const char* text : {"", "plain", "Grüße, 你好 🎉", "a 'b' \"c\" <d> & \\n `e` $f {g}"})
    EXPECT_EQ(shown_text(text), text);
}

TEST(ShownText, IsOneLineWithoutControl) {
  EXPECT_EQ(shown_text("a\nb\r\nc\rd\te"), "a↵b↵c↵d⇥e");
  EXPECT_EQ(shown_text("\x1b[31mred\x07"), "\uFFFD[31mred\uFFFD");
  EXPECT_EQ(shown_text(std::string("a\0b", 3)), "a\uFFFDb");
  EXPECT_EQ(shown_text("\u009B31m"), "\uFFFD31m"); // what some terminals take for an escape
  EXPECT_EQ(shown_text("x\u202Ey\u2028z"), "x\uFFFDy↵z");
  EXPECT_EQ(shown_text("\uFEFF\uFFFE"), "\uFFFD\uFFFD");
}

TEST(ShownText, MendsWhatIsNoUtf8) {
  EXPECT_EQ(shown_text("half \xE4\xBD"), "half \uFFFD\uFFFD");
  EXPECT_EQ(shown_text("\xC0\x80"), "\uFFFD\uFFFD");
}

TEST(CutToWidth, CountsColumnsAndShowsThatItCut) {
  EXPECT_EQ(cut_to_width("abcdef", 6), "abcdef");
  EXPECT_EQ(cut_to_width("abcdef", 5), "abcd…");
  EXPECT_EQ(cut_to_width("ab cdef", 4), "ab…"); // no blank before the dots
  EXPECT_EQ(cut_to_width("你好吗", 5), "你好…");
  EXPECT_EQ(cut_to_width("你好吗", 4), "你…");
  EXPECT_EQ(cut_to_width("abc", 1), "…");
  EXPECT_EQ(cut_to_width("abc", 0), "");
}

} // namespace
} // namespace peakbench::report
