// Order statistics of repeats. No normality is assumed.
#pragma once

#include <span>
#include <string_view>

namespace peakbench {

struct Summary {
  int count = 0;
  double median = 0, minimum = 0, maximum = 0, mean = 0, standard_deviation = 0;
  // Distribution-free interval of the median from order statistics (binomial). `coverage` is its
  // true probability; below 0.95 where there are too few values (n < 6), when it is [minimum,
  // maximum].
  double lower = 0, upper = 0, coverage = 0;
  double relative_width() const { return median > 0 ? (upper - lower) / median : 0; }
};

Summary summarize(std::span<const double> values, double confidence = 0.95);

// Least squares y = intercept + slope x.
struct Line {
  double slope = 0, intercept = 0;
};
Line regress(std::span<const double> x, std::span<const double> y);

} // namespace peakbench
