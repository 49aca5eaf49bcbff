#include "report/gnuplot.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <system_error>

#include "base/error.h"
#include "report/plot.h"

extern char** environ;

namespace peakbench::report {

namespace {

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

// Files without a name instead of pipes: nobody waits for anybody.
File scratch_file() {
  File file(std::tmpfile());
  if (!file)
    throw UserError("no scratch file can be made", std::strerror(errno), "is /tmp full?");
  fcntl(fileno(file.get()), F_SETFD, FD_CLOEXEC);
  return file;
}

std::string contents(const File& file) {
  std::string text;
  std::rewind(file.get());
  char buffer[16384];
  for (std::size_t count; (count = std::fread(buffer, 1, sizeof buffer, file.get())) > 0;)
    text.append(buffer, count);
  return text;
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

constexpr int kNotThere = 127;

[[noreturn]] void refuse(const Finished& finished) {
  if (finished.status == kNotThere)
    throw UserError("pictures cannot be drawn", "gnuplot is not installed, or not in PATH",
                    "install the package gnuplot-nox.");
  throw std::runtime_error("gnuplot failed: " + finished.errors);
}

} // namespace

Finished run_filter(const std::vector<std::string>& command, const std::string& input) {
  const File in = scratch_file(), out = scratch_file(), errors = scratch_file();
  if (std::fwrite(input.data(), 1, input.size(), in.get()) != input.size() ||
      std::fflush(in.get()) != 0)
    throw UserError("a scratch file cannot be written", std::strerror(errno), "is /tmp full?");
  std::rewind(in.get());

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, fileno(in.get()), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(out.get()), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(errors.get()), STDERR_FILENO);
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = -1;
  const int problem =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0)
    return {kNotThere, "", std::strerror(problem)};
  Finished finished;
  finished.status = wait_for(child);
  finished.output = contents(out);
  finished.errors = contents(errors);
  return finished;
}

std::string run_gnuplot(const std::string& script) {
  // -d: without the user's own settings.
  Finished finished = run_filter({"gnuplot", "-d", "-"}, script);
  if (finished.status != 0 || finished.output.empty())
    refuse(finished);
  return std::move(finished.output);
}

void require_gnuplot() {
  if (const Finished finished = run_filter({"gnuplot", "--version"}, ""); finished.status != 0)
    refuse(finished);
}

} // namespace peakbench::report
