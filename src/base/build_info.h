// What this program was built from: part of every result.
#pragma once

#include <string>

namespace peakbench {

std::string git_revision(); // "unknown" outside a git checkout
bool git_dirty();           // uncommitted changes when it was built
std::string compiler();     // "g++ 12.2.0, Release"

} // namespace peakbench
