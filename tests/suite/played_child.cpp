#include "played_child.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "suite/child_process.h"

namespace peakbench::suite::testing {

namespace {

// "0 1 2 3 4"; without the one that lists them.
std::string open_descriptors() {
  std::vector<int> numbers;
  for (int number = 0; number < 4096; ++number)
    if (std::filesystem::exists(
            std::filesystem::symlink_status("/proc/self/fd/" + std::to_string(number))))
      numbers.push_back(number);
  std::string text;
  for (const int number : numbers)
    text += (text.empty() ? "" : " ") + std::to_string(number);
  return text;
}

std::string status_line(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":"))
      return line.substr(name.size() + 2);
  return "";
}

} // namespace

int play_child(const std::string& part) {
  FramePipe pipe(3, 4);
  if (part == "exit")
    return 7;
  if (part == "look") {
    pipe.send(open_descriptors());
    pipe.send(status_line("SigIgn"));
    return 0;
  }
  if (part == "deaf")
    for (;;)
      pause();
  for (std::string frame; pipe.receive(frame, -1) != FramePipe::Got::end;)
    pipe.send(frame);
  return 0;
}

} // namespace peakbench::suite::testing
