// A Python that has a package, for what users do without our code.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

namespace peakbench::results::testing {

inline int run_shell(const std::string& command) { return std::system(command.c_str()); }

inline std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char character : text)
    result += character == '\'' ? std::string("'\\''") : std::string(1, character);
  return result + "'";
}

// PEAKBENCH_PYTHON, or one of the usual ones. `modules`: "h5py" or "h5py, pandas".
inline std::optional<std::string> python_with(const std::string& modules) {
  const char* named = std::getenv("PEAKBENCH_PYTHON");
  for (const std::string& python :
       {std::string(named ? named : ""), std::string("/usr/bin/python3"), std::string("python3")}) {
    if (python.empty())
      continue;
    if (run_shell(quoted(python) + " -c 'import " + modules + "' >/dev/null 2>&1") == 0)
      return quoted(python);
  }
  return std::nullopt;
}

struct Output {
  int status = 0;
  std::string text; // stdout and stderr
};

inline Output run_program(const std::string& command) {
  Output output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe)
    return {-1, "popen failed"};
  char buffer[4096];
  for (std::size_t count; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    output.text.append(buffer, count);
  const int status = pclose(pipe);
  output.status = status >= 256 ? status / 256 : status;
  return output;
}

} // namespace peakbench::results::testing

#define PEAKBENCH_NEEDS_PYTHON(name, modules)                                                      \
  const auto name##_optional = ::peakbench::results::testing::python_with(modules);                \
  if (!name##_optional)                                                                            \
    GTEST_SKIP() << "needs a Python with " modules " (python3-h5py)";                              \
  const std::string& name = *name##_optional
