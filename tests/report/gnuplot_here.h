// Tests that draw need gnuplot.
#pragma once

#include <gtest/gtest.h>

#include "report/gnuplot.h"

#define PEAKBENCH_NEEDS_GNUPLOT()                                                                  \
  if (::peakbench::report::run_filter({"gnuplot", "--version"}, "").status != 0)                   \
  GTEST_SKIP() << "needs gnuplot (gnuplot-nox)"
