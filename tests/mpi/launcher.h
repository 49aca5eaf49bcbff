// Starts the program, on one or several ranks, with a time limit: a hang is a failure, not a wait.
#pragma once

#include <string>
#include <vector>

namespace peakbench::testing {

struct Ended {
  int status = 0;     // exit status; 128 + signal where one ended it; 124: it hung
  std::string output; // stdout and stderr
};

// `ranks` 0: without mpirun.
Ended run_program(int ranks, const std::vector<std::string>& arguments, int limit_seconds = 120);

// A launcher in the background.
class Background {
public:
  Background(int ranks, const std::vector<std::string>& arguments);
  ~Background();
  void signal(int number) const;
  Ended wait(); // for it and all its ranks

private:
  int pipe_ = -1; // set by what sets pid_, hence first
  int pid_ = -1;
};

} // namespace peakbench::testing
