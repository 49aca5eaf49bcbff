#include "base/build_info.h"

#include "revision.h" // generated at every build by tools/cmake/peakbench_revision.cmake

namespace peakbench {

std::string git_revision() { return PEAKBENCH_GIT_REVISION; }

bool git_dirty() { return PEAKBENCH_GIT_DIRTY != 0; }

std::string compiler() { return std::string("g++ ") + __VERSION__ + ", " + PEAKBENCH_BUILD_TYPE; }

} // namespace peakbench
