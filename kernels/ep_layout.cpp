#include <algorithm>

#include "kernels/ep_settle.h"

namespace peakbench::kernels {

EpLayout ep_layout(const EpSettle& problem, int threads) {
  EpLayout layout;
  // Two vectors of rows a weight are faster than one, but not than a second thread.
  layout.group_rows = problem.rows <= 16 * static_cast<std::int64_t>(threads) ? 16 : 32;
  layout.groups = (problem.rows + layout.group_rows - 1) / layout.group_rows;
  std::int64_t floats = 0, widest = 0; // of the layers' outputs
  const auto block = [&](std::int64_t width) {
    const std::int64_t offset = floats;
    floats += width * layout.group_rows;
    return offset;
  };
  for (const EpLayer& layer : problem.layers)
    widest = std::max(widest, layer.outputs);
  const std::size_t first = static_cast<std::size_t>(problem.first);
  const std::size_t count = problem.layers.size() - first;
  layout.entering = block(problem.layers[first].inputs);
  layout.free.resize(count);
  layout.displacement.resize(count);
  layout.velocity.resize(count);
  for (auto* offsets : {&layout.free, &layout.displacement, &layout.velocity})
    for (std::size_t i = 0; i < count; ++i)
      (*offsets)[i] = block(problem.layers[first + i].outputs);
  layout.displacement_floats = layout.velocity[0] - layout.displacement[0];
  layout.target = block(problem.layers.back().outputs);
  layout.mask = block(1);
  const std::int64_t list = std::max(widest, problem.layers[0].inputs);
  layout.list = block((list + 15) / 16); // of 16 floats or more a unit of width
  layout.scratch[0] = block(list);
  for (int i = 1; i < 4; ++i)
    layout.scratch[i] = block(widest);
  layout.group_floats = floats;
  layout.floats = (problem.rows + 31) / 32 * 32 / layout.group_rows * floats;
  return layout;
}

} // namespace peakbench::kernels
