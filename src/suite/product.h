// The cartesian product of axes, the last one fastest.
#pragma once

#include <cstddef>
#include <vector>

namespace peakbench::suite {

// Calls `visit(indices)` for every point; nothing if an axis is empty.
template <class Visit>
void for_each_point(const std::vector<std::size_t>& sizes, Visit visit) {
  for (const std::size_t size : sizes)
    if (size == 0)
      return;
  std::vector<std::size_t> at(sizes.size(), 0);
  while (true) {
    visit(at);
    std::size_t axis = sizes.size();
    while (axis > 0 && ++at[axis - 1] == sizes[axis - 1])
      at[--axis] = 0;
    if (axis == 0)
      return;
  }
}

} // namespace peakbench::suite
