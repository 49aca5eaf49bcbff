// Time against peak memory: which arms no other one beats in both.
#pragma once

#include <string>
#include <vector>

#include "report/eab_plots.h"

namespace peakbench::report {

struct ParetoPoint {
  std::string title;
  Style style;
  double megabytes = 0, seconds = 0;
  double seconds_lower = kNoValue, seconds_upper = kNoValue;
};

// For each whether it is on the front: none needs at most as much of both and less of one.
std::vector<bool> on_front(const std::vector<ParetoPoint>& points);

// eab-pareto, ep-pareto, ...: of every setting in which two arms or more finished, medians as the
// tables have them; of EP at the greatest depth that most arms have finished.
std::vector<NamedPlot> eab_pareto_plots(const std::vector<results::EabCase>& cases);
std::vector<NamedPlot> ep_pareto_plots(const std::vector<results::EpCase>& cases);

} // namespace peakbench::report
