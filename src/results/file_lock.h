// One launcher per results file.
#pragma once

#include <string>

namespace peakbench::results {

// Holds PATH.lock, which says who holds it. The kernel frees the lock with the process, however
// that ends; a lock file that stays behind does no harm. File systems without locks (some Lustre
// mounts) give none: there two launchers on one file are not noticed.
class FileLock {
public:
  // UserError if another process holds it, or the folder is missing or not writable.
  explicit FileLock(const std::string& path);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

private:
  std::string lock_path_;
  int descriptor_ = -1;
};

} // namespace peakbench::results
