// A picture of gnuplot's as a part of a page.
#pragma once

#include <string>

namespace peakbench::report {

struct SvgNames {
  std::string prefix;             // of every id within, so that pictures do not mix them up
  std::string title, description; // for screen readers
};
// Elements and attributes that gnuplot draws with, and nothing else: anything that looks like
// another element is text. Colours become the page's variables (--plot-blue), so that they suit
// light and dark; the white sheet behind goes. std::runtime_error if this is no picture.
std::string svg_in_page(const std::string& svg, const SvgNames& names);

} // namespace peakbench::report
