#include "support/processes.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace peakbench::testing {

namespace {

namespace fs = std::filesystem;

// Empty if there is no such file, or its process goes while it is read.
std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Status {
  char state = ' ';
  pid_t parent = -1;
};

// "pid (name) state parent ..."; the name may hold anything.
Status status_of(pid_t process) {
  const std::string text = text_of("/proc/" + std::to_string(process) + "/stat");
  Status status;
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos)
    return status;
  std::istringstream rest(text.substr(end + 1));
  rest >> status.state >> status.parent;
  return status;
}

std::vector<pid_t> processes_that(const std::function<bool(pid_t)>& are_meant) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const pid_t process = std::atoi(entry.path().filename().c_str());
    if (process > 0 && are_meant(process))
      found.push_back(process);
  }
  return found;
}

} // namespace

std::vector<pid_t> children_of(pid_t parent) {
  return processes_that([&](pid_t process) { return status_of(process).parent == parent; });
}

std::vector<pid_t> processes_in(const std::string& folder, const std::string& word) {
  return processes_that([&](pid_t process) {
    std::error_code gone;
    const fs::path works_in = fs::read_symlink("/proc/" + std::to_string(process) + "/cwd", gone);
    return !gone && works_in == folder && command_of(process).find(word) != std::string::npos;
  });
}

std::vector<pid_t> descendants_of(pid_t ancestor, const std::string& word) {
  std::vector<pid_t> found;
  for (const pid_t child : children_of(ancestor)) {
    if (is_alive(child) && command_of(child).find(word) != std::string::npos)
      found.push_back(child);
    for (const pid_t deeper : descendants_of(child, word))
      found.push_back(deeper);
  }
  return found;
}

char state_of(pid_t process) { return status_of(process).state; }

bool is_alive(pid_t process) {
  const char state = state_of(process);
  return state != ' ' && state != 'Z' && state != 'X';
}

double processor_seconds(pid_t process) {
  const std::string text = text_of("/proc/" + std::to_string(process) + "/stat");
  std::istringstream rest(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  std::string skipped; // state ... cmajflt
  for (int field = 3; field <= 13; ++field)
    rest >> skipped;
  double user = 0, system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

std::string command_of(pid_t process) {
  std::string text = text_of("/proc/" + std::to_string(process) + "/cmdline");
  for (char& letter : text)
    if (letter == '\0')
      letter = ' ';
  return text;
}

std::string variable_of(pid_t process, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(process) + "/environ");
  for (std::string entry; std::getline(file, entry, '\0');)
    if (entry.starts_with(name + "="))
      return entry.substr(name.size() + 1);
  return "";
}

bool send(pid_t process, int signal) { return process > 0 && kill(process, signal) == 0; }

bool is_pending(pid_t process, int signal) {
  std::istringstream status(text_of("/proc/" + std::to_string(process) + "/status"));
  std::uint64_t pending = 0;
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("SigPnd:") || line.starts_with("ShdPnd:"))
      pending |= std::stoull(line.substr(line.find(':') + 1), nullptr, 16);
  return (pending >> (signal - 1) & 1) != 0;
}

bool within(double seconds, const std::function<bool()>& so) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!so()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

std::size_t times_in(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at)
    ++times;
  return times;
}

std::size_t cases_shown(const std::string& output) { return times_in(output, "] rank "); }

} // namespace peakbench::testing
