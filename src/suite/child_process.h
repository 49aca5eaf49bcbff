// A copy of this program beside this process, and frames of bytes to and from it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace peakbench::suite {

// One end of two pipes. A frame is its length (8 bytes, of this machine) and its bytes.
class FramePipe {
public:
  FramePipe(int from, int to); // takes the descriptors over
  ~FramePipe();
  FramePipe(const FramePipe&) = delete;
  FramePipe& operator=(const FramePipe&) = delete;

  // False if the other end is gone.
  bool send(const std::string& frame);
  enum class Got { frame, nothing_yet, end };
  // Waits at most so long for the rest of a frame; negative: as long as it takes.
  Got receive(std::string& frame, int wait_milliseconds);

private:
  int from_, to_;
  std::string buffer_; // what has come of the next frame
};

class ChildProcess {
public:
  // Runs this program's own file with these arguments. In the child, frames come from descriptor 3
  // and go to descriptor 4; no other descriptor but the standard ones is passed on, and SIGINT,
  // SIGTERM, SIGUSR1 and SIGPIPE are ignored. The child is ended by the kernel when the thread that
  // started it ends.
  explicit ChildProcess(const std::vector<std::string>& arguments);
  ~ChildProcess(); // ends it
  FramePipe& pipe() { return *pipe_; }
  pid_t pid() const { return pid_; }
  // Ends it, unless it does so by itself within the time: one that has closed its pipe may still
  // be on its way out. The wait status.
  int end(double patience_seconds = 0);

private:
  pid_t pid_ = -1;
  int status_ = 0;
  std::optional<FramePipe> pipe_;
};

// "signal 9 (Killed)", "exit status 3"
std::string describe_wait_status(int status);

} // namespace peakbench::suite
