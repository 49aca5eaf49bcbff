// A scratch folder in memory where there is one: a store waits for the disk at every case, and
// nothing but a power cut tells the difference.
#pragma once

#include <sys/statvfs.h>
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
    // Containers may have next to nothing of it.
    struct statvfs room {};
    if (access("/dev/shm", W_OK) == 0 && statvfs("/dev/shm", &room) == 0 &&
        room.f_bavail * room.f_frsize >= kRoom)
      setenv("TMPDIR", "/dev/shm", 1);
    scratch_.emplace();
    if (before)
      setenv("TMPDIR", kept.c_str(), 1);
    else
      unsetenv("TMPDIR");
  }
  const peakbench::testing::ScratchFolder& operator*() const { return *scratch_; }

private:
  static constexpr unsigned long kRoom = 1ul << 30; // bytes; more than any of these tests writes
  std::optional<peakbench::testing::ScratchFolder> scratch_;
};

} // namespace peakbench::results::testing
