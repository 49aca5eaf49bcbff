// The gnuplot script of a plot: data in it, the picture to the standard output.
#pragma once

#include <string>

#include "report/plot.h"

namespace peakbench::report {

enum class Canvas { svg, png };
std::string script_of(const Plot& plot, Canvas canvas);

// A text as a gnuplot string that stands for itself: what gnuplot could take for anything else is
// written in octal, so nothing is expanded or executed.
std::string gnuplot_text(const std::string& text);

} // namespace peakbench::report
