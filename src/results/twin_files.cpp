#include "results/twin_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace peakbench::results {

namespace {

namespace fs = std::filesystem;

std::string former_name(const std::string& path) { return path + ".former"; }

void remove_leftovers(const std::string& path) noexcept {
  unlink(TwinFiles::spare_of(path).c_str());
  unlink(former_name(path).c_str());
}

[[noreturn]] void throw_errno(const char* call) {
  throw Hdf5Error(std::string(call) + ": " + std::strerror(errno));
}

bool exists(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0;
}

// Names are on the disk once their folder is. Not every file system can; nothing is lost then but
// the last case, and only if the machine itself goes down.
void sync_folder_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  const int folder =
      open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return;
  fsync(folder);
  close(folder);
}

} // namespace

TwinFiles TwinFiles::create(const std::string& path, const Change& fill) {
  const UserError taken("results file " + path + " already exists", "nothing is overwritten",
                        "resume it, remove it, or choose another --out.");
  if (exists(path))
    throw taken;
  remove_leftovers(path);
  const std::string spare = spare_of(path);
  try {
    Handle file = create_file(spare);
    fill(file);
    flush_to_disk(file);
    file.close("H5Fclose");
    // link() refuses an existing name, which rename() would replace.
    if (link(spare.c_str(), path.c_str()) != 0) {
      if (errno == EEXIST)
        throw taken;
      if (std::rename(spare.c_str(), path.c_str()) != 0)
        throw_errno("rename");
    }
  } catch (...) {
    remove_leftovers(path);
    throw;
  }
  unlink(spare.c_str());
  sync_folder_of(path);
  return TwinFiles(path);
}

TwinFiles::TwinFiles(const std::string& path) : path_(path) {
  remove_leftovers(path_);
  live_ = open_file(path_, true);
}

TwinFiles::~TwinFiles() {
  if (live_ >= 0)
    drop_spare();
}

void TwinFiles::drop_spare() noexcept {
  spare_ = Handle();
  missing_in_spare_.clear();
  remove_leftovers(path_);
}

void TwinFiles::prepare_spare() {
  if (spare_ >= 0)
    return;
  missing_in_spare_.clear();
  const std::string spare = spare_of(path_);
  std::error_code error;
  fs::copy_file(path_, spare, fs::copy_options::overwrite_existing, error);
  if (error)
    throw Hdf5Error("copy: " + error.message());
  spare_ = open_file(spare, true);
}

// Afterwards the spare's file is PATH. False if the former file has no name any more.
bool TwinFiles::exchange_names() {
  const std::string spare = spare_of(path_), former = former_name(path_);
  const bool kept = link(path_.c_str(), former.c_str()) == 0;
  if (std::rename(spare.c_str(), path_.c_str()) != 0)
    throw_errno("rename");
  return kept && std::rename(former.c_str(), spare.c_str()) == 0;
}

void TwinFiles::commit(const Change& change) {
  try {
    prepare_spare();
    for (const Change& earlier : missing_in_spare_)
      earlier(spare_);
    change(spare_);
    flush_to_disk(spare_);
    const bool both_named = exchange_names();
    sync_folder_of(path_);
    std::swap(live_, spare_);
    if (both_named)
      missing_in_spare_ = {change};
    else
      drop_spare(); // file systems without links: the next change copies the file
  } catch (...) {
    drop_spare();
    throw;
  }
}

} // namespace peakbench::results
