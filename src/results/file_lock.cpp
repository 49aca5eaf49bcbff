#include "results/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace peakbench::results {

namespace {

std::string who_am_i() {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  return "process " + std::to_string(getpid()) + " on " + host;
}

std::string content_of(int descriptor) {
  char text[512] = {};
  const ssize_t count = pread(descriptor, text, sizeof text, 0);
  return count > 0 ? std::string(text, static_cast<std::size_t>(count)) : "another process";
}

// Between opening and locking, the holder may have ended and removed the file: then the lock is on
// a file that nobody else will find.
bool is_still_named(int descriptor, const std::string& path) {
  struct stat ours {
  }, named{};
  return fstat(descriptor, &ours) == 0 && stat(path.c_str(), &named) == 0 &&
         ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
}

} // namespace

FileLock::FileLock(const std::string& path) : lock_path_(path + ".lock") {
  for (;;) {
    descriptor_ = open(lock_path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0)
      throw UserError("cannot write results file " + path, std::strerror(errno),
                      errno == ENOENT ? "create the folder first." : "choose another file.");
    if (flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      const std::string holder = content_of(descriptor_);
      close(descriptor_);
      throw UserError("results file " + path + " is in use", holder + " is writing to it",
                      "wait for it to end, or choose another --out.");
    }
    if (is_still_named(descriptor_, lock_path_))
      break;
    close(descriptor_);
  }
  const std::string who = who_am_i();
  if (ftruncate(descriptor_, 0) != 0 || pwrite(descriptor_, who.data(), who.size(), 0) < 0) {
    // Only a word for a second launcher's message is lost.
  }
}

FileLock::FileLock(FileLock&& other) noexcept
    : lock_path_(std::move(other.lock_path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ < 0)
    return;
  unlink(lock_path_.c_str());
  close(descriptor_);
}

} // namespace peakbench::results
