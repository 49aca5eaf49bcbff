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

  GuardProcess() = default;
  // Forks. Exceptions of `body` become frames of kind kError.
  GuardProcess(const GuardLimits& limits, const Body& body);
  ~GuardProcess() { end(); }
  GuardProcess(GuardProcess&& other) noexcept;
  GuardProcess& operator=(GuardProcess&& other) noexcept;

  bool is_running() const { return process_ >= 0; }
  // The next frame. UserError "cannot read results file PATH (why)" if the process has died, or
  // says nothing for too long; it is ended then.
  Frame receive(const std::string& path);
  void end();

  // Within the process: its time begins anew.
  static void allow_seconds(double seconds);

private:
  std::string how_it_ended();

  pid_t process_ = -1;
  int pipe_ = -1;
  double wall_seconds_ = 0;
};

} // namespace peakbench::results
