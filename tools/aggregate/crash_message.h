// A last word where a library crashes.
#pragma once

#include <csignal>
#include <iterator>
#include <string>
#include <vector>

namespace peakbench::aggregate {

// While this lives, a crash ends the program with `message` on the standard error and status 2, and
// `leftovers` are removed. The HDF5 library crashes where it cannot write, on a full disk: what it
// does then frees things that it has not made (1.10.8: H5T_close_real below H5Ocopy). One at a
// time: a handler knows nothing but what lies outside of everything.
class CrashMessage {
public:
  CrashMessage(const std::string& message, const std::vector<std::string>& leftovers);
  ~CrashMessage();
  CrashMessage(const CrashMessage&) = delete;
  CrashMessage& operator=(const CrashMessage&) = delete;

private:
  static constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
  struct sigaction former_[std::size(kSignals)] = {};
};

} // namespace peakbench::aggregate
