// Opening results files to read them, also while a run writes to them.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <new>
#include <string>
#include <thread>

#include "results/layout.h"

namespace peakbench::results {

inline constexpr const char* kDamaged = "the file is damaged or incomplete.";

// Which file a name stands for, and when it was last changed. While a run goes on, the name moves
// on to a newer file with every case (twin_files.h) and the old one is written again: after two
// cases the name is back at the first file, which has been written meanwhile.
struct FileState {
  explicit FileState(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) == 0) {
      file = status.st_ino;
      seconds = status.st_ctim.tv_sec;
      nanoseconds = status.st_ctim.tv_nsec;
      bytes = status.st_size;
    }
  }
  bool operator==(const FileState&) const = default;

  ino_t file = 0;
  time_t seconds = 0;
  long nanoseconds = 0;
  off_t bytes = 0;
};

// Runs `read` on the opened file; once more if the file moved on meanwhile.
template <class Read>
auto read_file(const std::string& path, Read read) {
  constexpr int kTries = 40;
  for (int attempt = 1;; ++attempt) {
    if (attempt > 2) // the writer is as fast as this: wait for a pause of its
      std::this_thread::sleep_for(std::chrono::milliseconds(attempt));
    const FileState before(path);
    const auto moved = [&] { return attempt < kTries && !(FileState(path) == before); };
    try {
      require_hdf5_file(path);
      auto result = with_file("read", path, kDamaged, [&] {
        const Handle file = open_file(path, false);
        require_schema(file, path);
        return read(file);
      });
      if (!moved())
        return result;
    } catch (const UserError&) {
      if (!moved())
        throw;
    } catch (const std::bad_alloc&) {
      if (!moved())
        throw UserError("cannot read results file " + path, "it needs more memory than there is",
                        kDamaged);
    }
  }
}

} // namespace peakbench::results
