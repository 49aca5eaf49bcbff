// Do two samples differ? The rank-sum test of Wilcoxon, Mann and Whitney, the sign test, and many
// tests at once.
#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace peakbench::report {

struct RankSum {
  // Pairs (x, y) with x > y, ties counted half: Mann and Whitney's U of x.
  double u = std::numeric_limits<double>::quiet_NaN();
  double p = std::numeric_limits<double>::quiet_NaN(); // two-sided
  std::string_view method;                             // "exact" | "normal"; empty without one
};

// Without ties and with x.size() * y.size() <= 1000, p is exact: every arrangement of the ranks is
// equally likely if the two do not differ (Mann and Whitney 1947, their recursion). Else the normal
// approximation with the correction for ties and for continuity (Hollander and Wolfe,
// "Nonparametric Statistical Methods", 4.1), as SciPy's mannwhitneyu. All values equal: p = 1.
// Nothing is told where a sample is empty.
RankSum rank_sum_test(std::span<const double> x, std::span<const double> y);

// The least two-sided p that samples of these sizes can have: 2 / (n + m over n), 1 if one is
// empty.
double least_p(std::size_t x_count, std::size_t y_count);

// Does a sign prevail? Two-sided p of so many positive and negative differences if either sign were
// as likely (exact, binomial); 1 without any.
double sign_test_p(std::size_t positive, std::size_t negative);

// Holm's step-down procedure ("A simple sequentially rejective multiple test procedure", 1979): p
// adjusted so that, comparing each with 5 %, the chance of even one false alarm among all of them
// is at most 5 %, whatever the dependence. NaN is left out and stays.
std::vector<double> holm(std::span<const double> p);

} // namespace peakbench::report
