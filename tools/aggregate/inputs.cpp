#include "aggregate/inputs.h"

namespace peakbench::aggregate {

std::vector<results::RunData> load_all(const Options& options) {
  std::vector<results::RunData> runs;
  for (const std::string& file : options.files)
    runs.push_back(results::load(file));
  return runs;
}

} // namespace peakbench::aggregate
