// What the children of child_process_test.cpp do.
#pragma once

#include <string>

namespace peakbench::suite::testing {

inline constexpr const char* kPlayedChild = "played-child";

// `part`: "echo": sends frames back until there are no more; "look": sends what it has inherited;
// "exit": ends with status 7 at once; "deaf": reads nothing.
int play_child(const std::string& part);

} // namespace peakbench::suite::testing
