// What a moment's memory is made of, for the picture and the table alike.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/records.h"

namespace peakbench::report {

struct Part {
  std::string name;
  std::int64_t bytes = 0;
};
// The greatest parts, the greatest one first, those without bytes left out; of more than `most` the
// last ones together as "rest".
std::vector<Part> parts_of(const results::PeakByTag& bytes, std::size_t most);
// "71": of 100. "0" where the whole is nothing.
std::string percent_of(std::int64_t part, std::int64_t whole);

} // namespace peakbench::report
