#include "results/guard_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>
#include <vector>

#include "base/error.h"

namespace peakbench::results {

namespace {

constexpr std::uint64_t kMostInFrame = std::uint64_t{8} << 30;
constexpr int kPipeBytes = 1 << 20; // so that a reader can go on while its asker writes

void write_all(int pipe, const char* bytes, std::size_t count) {
  while (count > 0) {
    const ssize_t written = write(pipe, bytes, count);
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      _exit(1); // nobody listens
    bytes += written;
    count -= static_cast<std::size_t>(written);
  }
}

void send_frame(int pipe, char kind, const std::string& bytes) {
  const std::uint64_t size = bytes.size();
  char start[1 + sizeof size] = {kind};
  std::memcpy(start + 1, &size, sizeof size);
  write_all(pipe, start, sizeof start);
  write_all(pipe, bytes.data(), bytes.size());
}

// Beyond what the process has of its asker.
void allow_memory([[maybe_unused]] std::int64_t bytes) {
#if !defined(__SANITIZE_ADDRESS__) // which reserves terabytes
  long pages = 0;
  if (FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld", &pages) != 1)
      pages = 0;
    std::fclose(file);
  }
  const rlim_t limit = static_cast<rlim_t>(pages * sysconf(_SC_PAGESIZE) + bytes);
  const rlimit limits{limit, limit};
  setrlimit(RLIMIT_AS, &limits);
#endif
}

// close_range() is younger than some clusters' C library.
void close_from(int first) {
  std::vector<int> others;
  if (DIR* folder = opendir("/proc/self/fd")) {
    while (const dirent* entry = readdir(folder))
      if (const int number = std::atoi(entry->d_name); number >= first)
        others.push_back(number);
    closedir(folder);
  }
  for (const int descriptor : others)
    close(descriptor);
}

constexpr int kPipe = 3, kQuestion = 4; // within the process

// Nothing of its asker's may come to harm: neither its files, nor its terminal.
void become_reader(int pipe, int question, const GuardLimits& limits, pid_t asker) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != asker)
    _exit(1);
  signal(SIGINT, SIG_IGN); // the asker ends us
  for (const int number : {SIGPIPE, SIGPROF, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL})
    signal(number, SIG_DFL);
  for (const int number : {SIGTERM, SIGUSR1})
    signal(number, question >= 0 ? SIG_IGN : SIG_DFL);
  signal(SIGXFSZ, SIG_IGN); // a file that grows beyond its limit is a write that fails
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  // The wanted numbers may be taken by the other one.
  const int high_pipe = fcntl(pipe, F_DUPFD, 10);
  const int high_question = question >= 0 ? fcntl(question, F_DUPFD, 10) : -1;
  const int nowhere = fcntl(open("/dev/null", O_RDWR), F_DUPFD, 10);
  for (int descriptor = 0; descriptor < kPipe; ++descriptor)
    dup2(nowhere, descriptor);
  dup2(high_pipe, kPipe);
  dup2(high_question >= 0 ? high_question : nowhere, kQuestion);
  close_from(kQuestion + 1);
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  allow_memory(limits.memory_bytes);
}

// Runs `body`, and ends the process.
[[noreturn]] void read_and_exit(const GuardProcess::Body& body) {
  const auto send = [](char kind, const std::string& bytes) { send_frame(kPipe, kind, bytes); };
  try {
    body(send);
  } catch (const UserError& error) {
    send(kError, error.what());
  } catch (const std::exception& error) {
    send(kError, std::string("cannot read results file (") + error.what() + ")");
  }
  _exit(0);
}

// False at the end of the pipe, or when nothing came for too long.
bool receive_bytes(int pipe, char* bytes, std::size_t count, double seconds) {
  while (count > 0) {
    pollfd waiting{pipe, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(seconds * 1e3));
    if (ready < 0 && errno == EINTR)
      continue;
    const ssize_t got = ready > 0 ? read(pipe, bytes, count) : 0;
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return false;
    bytes += got;
    count -= static_cast<std::size_t>(got);
  }
  return true;
}

int wait_for(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR)
    ;
  return status;
}

// Until its asker has said all of it, or is gone.
std::string read_question() {
  std::string question;
  char piece[4096];
  for (;;) {
    const ssize_t got = read(kQuestion, piece, sizeof piece);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return question;
    question.append(piece, static_cast<std::size_t>(got));
  }
}

[[noreturn]] void throw_errno(const char* call, int number = errno) {
  throw std::runtime_error(std::string(call) + ": " + std::strerror(number));
}

} // namespace

GuardProcess::GuardProcess(const GuardLimits& limits, const Body& body) {
  start(limits, body, false);
}

GuardProcess GuardProcess::waiting(const GuardLimits& limits, const Answer& answer) {
  GuardProcess process;
  const auto body = [&](const Send& send) {
    const std::string question = read_question();
    if (question.empty()) // it will never come
      return;
    allow_seconds(limits.cpu_seconds);
    answer(send, question);
  };
  process.start(limits, body, true);
  return process;
}

void GuardProcess::ask(const std::string& question) {
  for (std::size_t at = 0; at < question.size();) {
    // Without a signal if nobody listens any more.
    const ssize_t sent =
        ::send(question_, question.data() + at, question.size() - at, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR)
      continue;
    if (sent < 0)
      break;
    at += static_cast<std::size_t>(sent);
  }
  shutdown(question_, SHUT_WR);
}

void GuardProcess::start(const GuardLimits& limits, const Body& body, bool waits) {
  wall_seconds_ = limits.wall_seconds;
  int ends[2], questions[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw_errno("pipe2");
  if (waits && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, questions) != 0) {
    const int failure = errno;
    close(ends[0]);
    close(ends[1]);
    throw_errno("socketpair", failure);
  }
  fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes); // more is better, less will do
  const pid_t asker = getpid();
  // Until the child ignores them, it is not to be found by signals meant for its parent.
  sigset_t all, former;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &former);
  process_ = fork();
  if (process_ == 0) {
    become_reader(ends[1], questions[1], limits, asker);
    if (!waits)
      allow_seconds(limits.cpu_seconds);
    read_and_exit(body);
  }
  const int failure = errno;
  sigprocmask(SIG_SETMASK, &former, nullptr);
  close(ends[1]);
  if (waits)
    close(questions[1]);
  pipe_ = ends[0];
  question_ = questions[0];
  if (process_ < 0) {
    close_pipes();
    throw_errno("fork", failure);
  }
}

GuardProcess::GuardProcess(GuardProcess&& other) noexcept
    : process_(std::exchange(other.process_, -1)), pipe_(std::exchange(other.pipe_, -1)),
      question_(std::exchange(other.question_, -1)), wall_seconds_(other.wall_seconds_) {}

GuardProcess& GuardProcess::operator=(GuardProcess&& other) noexcept {
  end();
  process_ = std::exchange(other.process_, -1);
  pipe_ = std::exchange(other.pipe_, -1);
  question_ = std::exchange(other.question_, -1);
  wall_seconds_ = other.wall_seconds_;
  return *this;
}

void GuardProcess::close_pipes() {
  for (int* descriptor : {&pipe_, &question_})
    if (const int number = std::exchange(*descriptor, -1); number >= 0)
      close(number);
}

void GuardProcess::end() {
  if (process_ < 0)
    return;
  close_pipes();
  kill(process_, SIGKILL);
  wait_for(process_);
  process_ = -1;
}

// The signal's default action ends the process.
void GuardProcess::allow_seconds(double seconds) {
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(seconds);
  timer.it_value.tv_usec = static_cast<suseconds_t>((seconds - std::floor(seconds)) * 1e6);
  setitimer(ITIMER_PROF, &timer, nullptr);
}

// It is dead, or as good as that.
std::string GuardProcess::how_it_ended() {
  pollfd closed{pipe_, 0, 0};
  poll(&closed, 1, 0);
  if ((closed.revents & POLLHUP) == 0) {
    end();
    return "reading it has not ended within " + std::to_string(std::lround(wall_seconds_)) + " s";
  }
  const int status = wait_for(process_);
  close_pipes();
  process_ = -1;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF)
    return "the HDF5 library does not come to an end with it";
  if (WIFSIGNALED(status))
    return std::string("the HDF5 library crashed on it: ") + strsignal(WTERMSIG(status));
  return "the process that read it ended with status " + std::to_string(WEXITSTATUS(status));
}

Frame GuardProcess::receive(const std::string& path) {
  Frame frame;
  std::uint64_t size = 0;
  char start[1 + sizeof size] = {};
  bool whole = receive_bytes(pipe_, start, sizeof start, wall_seconds_);
  if (whole) {
    frame.kind = start[0];
    std::memcpy(&size, start + 1, sizeof size);
    whole = size <= kMostInFrame;
  }
  // Piece by piece, since a process that is out of its mind may say anything.
  constexpr std::uint64_t kPiece = 16 << 20;
  for (std::uint64_t at = 0; whole && at < size;) {
    const std::uint64_t piece = std::min(kPiece, size - at);
    frame.bytes.resize(at + piece);
    whole = receive_bytes(pipe_, frame.bytes.data() + at, piece, wall_seconds_);
    at += piece;
  }
  if (!whole)
    throw UserError("cannot read results file " + path, how_it_ended(),
                    "the file is damaged or incomplete.");
  if (frame.kind == kError) {
    end(); // whatever it met with is forgotten
    throw UserError(frame.bytes);
  }
  return frame;
}

} // namespace peakbench::results
