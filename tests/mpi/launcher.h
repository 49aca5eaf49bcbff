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
Ended run_program(int ranks, const std::vector<std::string>& arguments, int limit_seconds = 300);

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
  // The process beside a rank that does its cases; -1 if there is none (yet, or any more).
  int worker_of(std::size_t rank) const;
  // From now on the cases of a rank stand still, so that the run cannot come to its end; where the
  // ranks share statically the others do theirs meanwhile. False if the worker never came.
  bool hold(std::size_t rank);
  void let_go(std::size_t rank);
  // All that has been written so far; waits at most so long for more of it.
  const std::string& output(int wait_milliseconds);
  // Until rank 0 has shown so many cases as written, of any rank or of one. False if the run has
  // ended without, or has not come so far within the limit.
  bool has_shown(std::size_t cases, double limit_seconds = 60);
  bool has_shown_of(std::size_t rank, std::size_t cases, double limit_seconds = 60);
  // Until it has ended and nobody is left to write to it. (Ranks whose mpirun was killed are not
  // seen here: they write to mpirun, and outlive it by a moment.)
  Ended wait(int limit_seconds = 300);

private:
  bool shows(const std::string& line, std::size_t times, double limit_seconds);

  std::string output_;
  int size_ = 0;
  bool ended_ = false; // the end of the output has been read
  int pipe_ = -1;      // set by what sets pid_, hence first
  int pid_ = -1;
};

} // namespace peakbench::testing
