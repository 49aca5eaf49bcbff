#include "report/html_svg.h"

#include <gmock/gmock.h>

#include <set>

#include "report/gnuplot_here.h"
#include "report/html_pages.h"

namespace peakbench::report {
namespace {

using testing::between;
using ::testing::HasSubstr;
using ::testing::Not;

const SvgNames kNames{"p1-", "A <title>", "what it shows"};

std::string page_svg(const std::string& content) {
  return svg_in_page("<?xml version=\"1.0\"?>\n<svg viewBox=\"0 0 9 9\" "
                     "xmlns:xlink=\"http://www.w3.org/1999/xlink\">\n<title>Gnuplot</title>" +
                         content + "</svg>",
                     kNames);
}

TEST(HtmlSvg, KeepsWhatIsDrawn) {
  EXPECT_EQ(page_svg("<path stroke='rgb(  0, 114, 178)'  d='M1,2 L3,4'/>"
                     "<text xml:space=\"preserve\">a  b</text>"),
            "<svg viewBox=\"0 0 9 9\" role=\"img\" aria-labelledby=\"p1-title\" "
            "aria-describedby=\"p1-desc\"><title id=\"p1-title\">A &lt;title&gt;</title>"
            "<desc id=\"p1-desc\">what it shows</desc>"
            "<path stroke=\"var(--plot-blue)\" d=\"M1,2 L3,4\"/>"
            "<text xml:space=\"preserve\">a  b</text></svg>");
}

TEST(HtmlSvg, LeavesOutWhatOnlyGnuplotNeeds) {
  const std::string svg =
      page_svg("<desc>Produced by GNUPLOT</desc><rect x=\"0\" fill=\"#ffffff\"/>"
               "<defs><filter id='textbox'><feFlood/></filter></defs><!-- a <g> -->"
               "<g id=\"gnuplot_plot_1a\"><title>gnuplot_plot_1a</title><g fill=\"none\">\n</g></g>"
               "<g><title>threshold 0.2</title></g>");
  for (const char* gone : {"GNUPLOT", "rect", "filter", "feFlood", "gnuplot_plot", "<!--"})
    EXPECT_THAT(svg, Not(HasSubstr(gone)));
  EXPECT_THAT(svg, HasSubstr("<g><title>threshold 0.2</title></g>"));
}

TEST(HtmlSvg, IdsAreThePicturesOwn) {
  EXPECT_THAT(page_svg("<circle id='gpPt5' r='1'/><use xlink:href='#gpPt5' id='gpPt6'/>"),
              HasSubstr("<circle id=\"p1-gpPt5\" r=\"1\"/><use href=\"#p1-gpPt5\" "
                        "id=\"p1-gpPt6\"/>"));
}

// Two pictures of a page may hatch with patterns of one name, and its policy lets no styles in.
TEST(HtmlSvg, HatchingIsKept) {
  const std::string svg =
      page_svg("<defs><pattern id='gpPat1' patternUnits='userSpaceOnUse' width='8' height='8'>"
               "<path style='fill:none; stroke:rgb(0,114,178)' d='M0,4 L4,8'/></pattern></defs>"
               "<polygon  fill = 'url(#gpPat1)' points = '1,1 2,2 3,1 '/><path style='stroke:red' "
               "d='M1,2'/>");
  EXPECT_THAT(svg, HasSubstr("<pattern id=\"p1-gpPat1\" patternUnits=\"userSpaceOnUse\""));
  EXPECT_THAT(svg, HasSubstr("<path fill=\"none\" stroke=\"var(--plot-blue)\" d=\"M0,4 L4,8\"/>"));
  EXPECT_THAT(svg, HasSubstr("<polygon fill=\"url(#p1-gpPat1)\""));
  EXPECT_THAT(svg, Not(HasSubstr("style")));
  EXPECT_THAT(svg, Not(HasSubstr("red")));
}

TEST(HtmlSvg, ForeignMarkupIsTextOrGone) {
  const std::string svg = page_svg(
      "<text><script>x()</script><g onload=\"x()\"></text>"
      "<script>x()</script><path d='M0,0' onclick='x()' style='color:red' fill='url(http://a)'/>"
      "<use href='http://a/#b'/>");
  EXPECT_THAT(svg, HasSubstr("<text>&lt;script>x()&lt;/script>&lt;g onload=\"x()\"></text>"));
  EXPECT_THAT(svg, HasSubstr("<path d=\"M0,0\"/><use/>"));
  for (const char* gone : {"<script", "onclick", "style", "http"})
    EXPECT_THAT(svg, Not(HasSubstr(gone)));
}

TEST(HtmlSvg, WhatIsNoPictureIsRefused) {
  EXPECT_THROW(svg_in_page("", kNames), std::runtime_error);
  EXPECT_THROW(svg_in_page("no such terminal", kNames), std::runtime_error);
  EXPECT_THROW(svg_in_page("<svg><g>", kNames), std::runtime_error);
}

TEST(HtmlSvg, HoldsEveryTextOfARealPicture) {
  PEAKBENCH_NEEDS_GNUPLOT();
  Plot plot;
  Panel panel;
  panel.x.title = "across & <b>";
  panel.y.title = testing::kHostile;
  panel.labels = {{1, 1, testing::kHostileImage}};
  panel.series = {{testing::kHostile, style_number(0), {{0, 1}, {1, 2}}}};
  plot.panels = {panel};
  const std::string svg = svg_in_page(svg_of(plot), kNames);
  std::multiset<std::string> texts;
  for (const std::string& text : between(svg, "<text>", "</text>"))
    texts.insert(testing::unescaped(text));
  for (const std::string text : {"across & <b>", testing::kHostile, testing::kHostileImage})
    EXPECT_GE(texts.count(text), 1u) << text;
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, Not(HasSubstr("<img")));
  EXPECT_THAT(svg, Not(HasSubstr("rgb("))) << "a colour that dark mode does not know";
  EXPECT_THAT(svg, HasSubstr("var(--plot-blue)"));
}

} // namespace
} // namespace peakbench::report
