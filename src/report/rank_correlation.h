// Does one figure rise with another? Spearman's rank correlation.
#pragma once

#include <limits>
#include <span>
#include <string_view>
#include <vector>

namespace peakbench::report {

// Ranks from 1, equal values share the mean of theirs.
std::vector<double> average_ranks(std::span<const double> values);

struct RankCorrelation {
  std::size_t pairs = 0;                                 // of which neither is NaN
  double rho = std::numeric_limits<double>::quiet_NaN(); // NaN: one of the two does not vary
  double p = std::numeric_limits<double>::quiet_NaN();   // two-sided
  std::string_view method;                               // how p was found; empty without one
};

// Pearson's correlation of the average ranks. Up to 9 pairs p is exact: the share of all
// permutations with as great a |rho|; beyond, Student's t with n - 2 degrees of freedom
// (Kendall and Stuart), as SciPy's spearmanr. Fewer than 3 pairs tell nothing.
RankCorrelation rank_correlation(std::span<const double> x, std::span<const double> y);

// P(|T| >= |t|) of Student's distribution: Abramowitz and Stegun, 26.7.3 and 26.7.4.
double two_sided_t(double t, std::size_t degrees);

} // namespace peakbench::report
