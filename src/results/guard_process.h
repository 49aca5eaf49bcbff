// A process that reads for another one, which survives it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>

namespace peakbench::results {

struct GuardLimits {
  double cpu_seconds = 10;   // for a file of up to 64 MiB, or some thousand rows of a larger one
  double wall_seconds = 600; // without a word, whatever the disk does
  std::int64_t memory_bytes = std::int64_t{4} << 30;
  // Files of up to so many bytes are read into memory; larger ones twice, in blocks.
  std::int64_t whole_bytes = 64 << 20;
};

// What it says: of a kind, with some bytes.
struct Frame {
  char kind = 0;
  std::string bytes;
};
inline constexpr char kError = 'X'; // the bytes are a message for the user

class GuardProcess {
public:
  // Within the process: to its asker.
  using Send = std::function<void(char kind, const std::string& bytes)>;
  using Body = std::function<void(const Send& send)>;

  // Within the process: answers a question.
  using Answer = std::function<void(const Send& send, const std::string& question)>;

  GuardProcess() = default;
  // Forks. Exceptions of `body` become frames of kind kError.
  GuardProcess(const GuardLimits& limits, const Body& body);
  // Forks now, for a question that is asked later, when forking may not be safe any more. Signals
  // that end a run are left to its asker.
  static GuardProcess waiting(const GuardLimits& limits, const Answer& answer);
  ~GuardProcess() { end(); }
  GuardProcess(GuardProcess&& other) noexcept;
  GuardProcess& operator=(GuardProcess&& other) noexcept;

  bool is_running() const { return process_ >= 0; }
  pid_t pid() const { return process_; }
  // Once. Of a process that is gone, receive() tells.
  void ask(const std::string& question);
  // The next frame. UserError "cannot read results file PATH (why)" if the process has died, or
  // says nothing for too long; it is ended then.
  Frame receive(const std::string& path);
  void end();

  // Within the process: its time begins anew.
  static void allow_seconds(double seconds);

private:
  void start(const GuardLimits& limits, const Body& body, bool waits);
  void close_pipes();
  std::string how_it_ended();

  pid_t process_ = -1;
  int pipe_ = -1, question_ = -1; // from it, to it
  double wall_seconds_ = 0;
};

} // namespace peakbench::results
