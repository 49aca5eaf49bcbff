// Cases that were compared one by one, taken together: by arm, and all of them.
#pragma once

#include <string>

#include "report/compare.h"

namespace peakbench::report {

inline constexpr double kSignificant = 0.05; // an adjusted p below this

// Of a case's peak; NaN without one.
double growth_percent(const CaseComparison& one);
// "slower by 50.0 %"
std::string slower_text(double ratio);

// Fills KindComparison::arms. The cases have their verdicts.
void compare_arms(Comparison& comparison);

} // namespace peakbench::report
