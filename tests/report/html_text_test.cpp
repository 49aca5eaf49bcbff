#include "report/html_text.h"

#include <gtest/gtest.h>

namespace peakbench::report {
namespace {

TEST(HtmlText, MarkupIsText) {
  EXPECT_EQ(escaped("<b a=\"1\" c='2'>&amp;</b>"),
            "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;");
  EXPECT_EQ(paragraph("a<b", "note"), "<p class=\"note\">a&lt;b</p>\n");
  EXPECT_EQ(paragraph("a"), "<p>a</p>\n");
}

TEST(HtmlText, WhateverComesInIsWellFormed) {
  EXPECT_EQ(escaped("gr\xC3\xBC\xC3\x9F\x65"), "gr\xC3\xBC\xC3\x9F\x65");
  EXPECT_EQ(escaped("a\xFF\x62\x01\x7F"), "a\xEF\xBF\xBD\x62\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(escaped(std::string("a\0b", 3)), "a\xEF\xBF\xBD\x62");
  EXPECT_EQ(escaped("a\n\tb"), "a\n\tb");
  EXPECT_EQ(escaped_line("a\n\tb"), "a  b");
}

TEST(HtmlText, WordsAreNotBrokenAtTheirHyphens) {
  EXPECT_EQ(whole_words("run --out a<b-c d"), "run <span class=\"word\">--out</span> "
                                              "<span class=\"word\">a&lt;b-c</span> d");
  EXPECT_EQ(whole_words(" a  b\n"), " a  b ");
  EXPECT_EQ(whole_words(""), "");
}

TEST(HtmlText, NothingInJsonEndsItsElement) {
  EXPECT_EQ(script_json("\"</script><!--\""), "\"\\u003c/script>\\u003c!--\"");
}

} // namespace
} // namespace peakbench::report
