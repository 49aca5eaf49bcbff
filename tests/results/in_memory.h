// A scratch folder in memory where there is one: a store waits for the disk at every case, and
// nothing but a power cut tells the difference.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "support/support.h"

namespace peakbench::results::testing {

class InMemory {
public:
  InMemory() {
    const char* before = std::getenv("TMPDIR");
    const std::string kept = before ? before : "";
    if (access("/dev/shm", W_OK) == 0)
      setenv("TMPDIR", "/dev/shm", 1);
    scratch_.emplace();
    if (before)
      setenv("TMPDIR", kept.c_str(), 1);
    else
      unsetenv("TMPDIR");
  }
  const peakbench::testing::ScratchFolder& operator*() const { return *scratch_; }

private:
  std::optional<peakbench::testing::ScratchFolder> scratch_;
};

} // namespace peakbench::results::testing
