// Another program as a filter: text in, text out.
#pragma once

#include <string>
#include <vector>

namespace peakbench::report {

struct Finished {
  int status = 0; // exit status; 127 if the program is not there
  std::string output, errors;
};
// Runs a program of the PATH to its end, without a shell.
Finished run_filter(const std::vector<std::string>& command, const std::string& input);

// What gnuplot draws. UserError if it is missing; std::runtime_error if it refuses the script.
std::string run_gnuplot(const std::string& script);

} // namespace peakbench::report
