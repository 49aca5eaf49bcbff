#include "suite/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "base/deadline.h"

namespace peakbench::suite {

namespace {

constexpr int kChildFrom = 3, kChildTo = 4;

// The kernel's choice when memory runs out, before the rank that waits for it.
constexpr std::string_view kFirstToGo = "1000";

[[noreturn]] void throw_errno(const char* call) {
  throw std::runtime_error(fmt::format("{} failed: {}", call, std::strerror(errno)));
}

// Between fork and exec: nothing but system calls.
[[noreturn]] void become(char* const* argv, int from, int to, pid_t parent, const sigset_t& mask) {
  // The wanted numbers may be taken by the other one.
  const int high_from = fcntl(from, F_DUPFD, 10), high_to = fcntl(to, F_DUPFD, 10);
  dup2(high_from, kChildFrom);
  dup2(high_to, kChildTo);
#ifdef SYS_close_range
  if (syscall(SYS_close_range, kChildTo + 1, ~0U, 0) != 0)
#endif
    for (int descriptor = kChildTo + 1; descriptor < 4096; ++descriptor)
      close(descriptor);
  // What ends a run is for its rank to act on; ignored from the first moment, since a signal to the
  // whole group may come while the new program is still being loaded.
  for (const int number : {SIGINT, SIGTERM, SIGUSR1, SIGPIPE})
    signal(number, SIG_IGN);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
  if (const int score = open("/proc/self/oom_score_adj", O_WRONLY); score >= 0) {
    if (write(score, kFirstToGo.data(), kFirstToGo.size()) < 0) {
      // Then it chooses by size alone, which is most often the same.
    }
    close(score);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent) // it may have gone before it was asked for
    execv("/proc/self/exe", argv);
  _exit(127);
}

} // namespace

FramePipe::FramePipe(int from, int to) : from_(from), to_(to) {}

FramePipe::~FramePipe() {
  close(from_);
  close(to_);
}

bool FramePipe::send(const std::string& frame) {
  const std::uint64_t length = frame.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
  bytes += frame;
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = write(to_, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

FramePipe::Got FramePipe::receive(std::string& frame, int wait_milliseconds) {
  std::array<char, 65536> piece;
  for (;;) {
    std::uint64_t length = 0;
    if (buffer_.size() >= sizeof length) {
      std::memcpy(&length, buffer_.data(), sizeof length);
      if (buffer_.size() - sizeof length >= length) {
        frame = buffer_.substr(sizeof length, length);
        buffer_.erase(0, sizeof length + length);
        return Got::frame;
      }
    }
    pollfd waiting{from_, POLLIN, 0};
    const int ready = poll(&waiting, 1, wait_milliseconds);
    if (ready < 0 && errno != EINTR)
      throw_errno("poll");
    if (ready <= 0)
      return Got::nothing_yet; // a signal counts as a look around
    const ssize_t count = read(from_, piece.data(), piece.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return Got::end;
    buffer_.append(piece.data(), static_cast<std::size_t>(count));
  }
}

ChildProcess::ChildProcess(const std::vector<std::string>& arguments) {
  std::vector<std::string> words{"peakbench"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  int to_child[2], from_child[2];
  if (pipe2(to_child, O_CLOEXEC) != 0)
    throw_errno("pipe2");
  if (pipe2(from_child, O_CLOEXEC) != 0)
    throw_errno("pipe2");
  const pid_t parent = getpid();
  // Until the child ignores them, it is not to be found by signals meant for its parent.
  sigset_t all, former;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &former);
  pid_ = fork();
  if (pid_ == 0)
    become(argv.data(), to_child[0], from_child[1], parent, former);
  pthread_sigmask(SIG_SETMASK, &former, nullptr);
  close(to_child[0]);
  close(from_child[1]);
  pipe_.emplace(from_child[0], to_child[1]);
  if (pid_ < 0)
    throw_errno("fork");
}

ChildProcess::~ChildProcess() { end(); }

int ChildProcess::end(double patience_seconds) {
  if (pid_ <= 0)
    return status_;
  const Deadline clock;
  while (waitpid(pid_, &status_, WNOHANG) == 0) {
    if (clock.elapsed_seconds() < patience_seconds) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    kill(pid_, SIGKILL);
    while (waitpid(pid_, &status_, 0) < 0 && errno == EINTR)
      ;
    break;
  }
  pid_ = -1;
  return status_;
}

std::string describe_wait_status(int status) {
  if (WIFSIGNALED(status))
    return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

} // namespace peakbench::suite
