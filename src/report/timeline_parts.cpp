#include "report/timeline_parts.h"

#include <algorithm>
#include <cmath>

#include "report/numbers.h"

namespace peakbench::report {

std::vector<Part> parts_of(const results::PeakByTag& bytes, std::size_t most) {
  std::vector<Part> parts;
  for (std::size_t tag = 0; tag < results::kTagMembers.size(); ++tag)
    if (const std::int64_t own = bytes.*results::kTagMembers[tag]; own != 0)
      parts.push_back({results::kTagNames[tag], own});
  std::ranges::stable_sort(parts, std::ranges::greater(), &Part::bytes);
  if (parts.size() <= most)
    return parts;
  Part rest{"rest", 0};
  for (std::size_t i = most - 1; i < parts.size(); ++i)
    rest.bytes += parts[i].bytes;
  parts.resize(most - 1);
  parts.push_back(rest);
  return parts;
}

std::string percent_of(std::int64_t part, std::int64_t whole) {
  if (whole == 0)
    return "0";
  const double percent = 100 * static_cast<double>(part) / static_cast<double>(whole);
  return fixed(percent, std::abs(percent) < 9.95 ? 1 : 0);
}

} // namespace peakbench::report
