#include "launcher.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <stdexcept>

#include "support/processes.h"

namespace peakbench::testing {

namespace {

std::vector<std::string> command(int ranks, const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  if (ranks > 0)
    words = {PEAKBENCH_LAUNCH, std::to_string(ranks)};
  words.emplace_back(PEAKBENCH_PROGRAM);
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

int start(std::vector<std::string> words, int& read_end) {
  int ends[2];
  // Programs that are started meanwhile must not hold it open.
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw std::runtime_error("pipe2 failed");
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  const int pid = fork();
  if (pid == 0) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL); // a test that is ended leaves nothing behind
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    execvp(argv[0], argv.data());
    _exit(127);
  }
  if (pid < 0)
    throw std::runtime_error("fork failed");
  close(ends[1]);
  read_end = ends[0];
  return pid;
}

int status_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

// Until every process that writes to the pipe is gone. False: the limit has passed.
bool read_all(int from, std::string& output, int limit_seconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + std::chrono::seconds(limit_seconds);
  for (char buffer[4096];;) {
    pollfd waiting{from, POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0)
      return false;
    const ssize_t count = read(from, buffer, sizeof buffer);
    if (count <= 0)
      return true;
    output.append(buffer, static_cast<std::size_t>(count));
  }
}

Ended finish(int pid, int from, int limit_seconds, const std::string& before = "") {
  Ended ended;
  ended.output = before;
  const bool in_time = read_all(from, ended.output, limit_seconds);
  if (!in_time)
    kill(-pid, SIGKILL);
  int wait_status = 0;
  waitpid(pid, &wait_status, 0);
  ended.status = in_time ? status_of(wait_status) : 124;
  close(from);
  return ended;
}

} // namespace

Ended run_program(int ranks, const std::vector<std::string>& arguments, int limit_seconds) {
  int from = -1;
  const int pid = start(command(ranks, arguments), from);
  return finish(pid, from, limit_seconds);
}

Background::Background(int ranks, const std::vector<std::string>& arguments)
    : size_(ranks), pid_(start(command(ranks, arguments), pipe_)) {}

Background::~Background() {
  if (pid_ > 0) {
    kill(-pid_, SIGKILL);
    wait();
  }
}

void Background::signal(int number) const { send(pid_, number); }

std::vector<int> Background::ranks() const {
  if (size_ == 0)
    return {pid_};
  std::vector<int> processes(static_cast<std::size_t>(size_), -1);
  for (const int process : descendants_of(pid_, " run ")) {
    const std::string rank = variable_of(process, "OMPI_COMM_WORLD_RANK");
    if (rank.empty() || command_of(process).find("mpirun") != std::string::npos)
      continue;
    // A process that the rank has just forked still looks like it, and comes after it.
    int& found = processes.at(std::stoul(rank));
    if (found < 0)
      found = process;
  }
  return processes;
}

std::vector<int> Background::workers() const { return descendants_of(pid_, "peakbench worker"); }

int Background::worker_of(std::size_t rank) const {
  const int process = ranks().at(rank);
  const std::vector<int> found =
      process > 0 ? descendants_of(process, "peakbench worker") : std::vector<int>();
  return found.empty() ? -1 : found.front();
}

bool Background::hold(std::size_t rank) {
  bool sent = false;
  within(60, [&] {
    sent = send(worker_of(rank), SIGSTOP);
    output(0);
    return sent || ended_;
  });
  return sent && within(60, [&] { return state_of(worker_of(rank)) == 'T'; });
}

void Background::let_go(std::size_t rank) { send(worker_of(rank), SIGCONT); }

const std::string& Background::output(int wait_milliseconds) {
  pollfd waiting{pipe_, POLLIN, 0};
  char buffer[4096];
  if (!ended_ && poll(&waiting, 1, wait_milliseconds) > 0) {
    const ssize_t count = read(pipe_, buffer, sizeof buffer);
    ended_ = count <= 0;
    if (count > 0)
      output_.append(buffer, static_cast<std::size_t>(count));
  }
  return output_;
}

bool Background::has_shown(std::size_t cases, double limit_seconds) {
  return shows("] rank ", cases, limit_seconds);
}

bool Background::has_shown_of(std::size_t rank, std::size_t cases, double limit_seconds) {
  return shows("] rank " + std::to_string(rank) + " ", cases, limit_seconds);
}

bool Background::shows(const std::string& line, std::size_t times, double limit_seconds) {
  within(limit_seconds, [&] { return times_in(output(5), line) >= times || ended_; });
  return times_in(output_, line) >= times;
}

Ended Background::wait(int limit_seconds) {
  const Ended ended = finish(pid_, pipe_, limit_seconds, output_);
  pid_ = -1;
  return ended;
}

} // namespace peakbench::testing
