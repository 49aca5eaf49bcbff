// Starts the program, on one or several ranks, with a time limit: a hang is a failure, not a wait.
#pragma once

#include <cstddef>
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
  int pid() const { return pid_; } // of mpirun, or of the program itself
  // The processes of the program, by rank; -1 for one that is not there (yet, or any more).
  std::vector<int> ranks() const;
  std::vector<int> workers() const;
  // All that has been written so far; waits at most so long for more of it.
  const std::string& output(int wait_milliseconds);
  // Until rank 0 has shown so many cases as written. False if it has not within the limit.
  bool has_shown(std::size_t cases, double limit_seconds = 60);
  // For it, all its ranks and their workers: until nobody is left to write.
  Ended wait(int limit_seconds = 60);

private:
  std::string output_;
  int size_ = 0;
  int pipe_ = -1; // set by what sets pid_, hence first
  int pid_ = -1;
};

} // namespace peakbench::testing
