// Results files from anywhere, read in processes of their own: the HDF5 library crashes on some
// damaged files and never ends with others. What becomes of such a process is a UserError here.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "results/file_blocks.h"
#include "results/guard_process.h"

namespace peakbench::results {

// As load(), with its errors.
RunData load_guarded(const std::string& path, const GuardLimits& limits = {});
EabTrace load_eab_trace_guarded(const std::string& path, const std::string& case_id,
                                const GuardLimits& limits = {});
EpTrace load_ep_trace_guarded(const std::string& path, const std::string& case_id,
                              const GuardLimits& limits = {});

// A hash of each trace, by its name in the file.
using TraceDigests = std::unordered_map<std::string, std::uint64_t>;
TraceDigests trace_digests_guarded(const std::string& path, const GuardLimits& limits = {});

// A file changed, or became unreadable, after some of its rows had been given.
class HalfRead : public UserError {
public:
  using UserError::UserError;
};

// Many files, in their order. Two processes read ahead, a file each, which costs no more than what
// one file needs: a file of up to 64 MiB in memory, larger ones in blocks, read twice.
class GuardedFiles {
public:
  GuardedFiles(std::vector<std::string> paths, bool traces, const GuardLimits& limits = {});
  GuardedFiles(const GuardedFiles&) = delete;
  GuardedFiles& operator=(const GuardedFiles&) = delete;

  bool at_end() const { return next_ == paths_.size(); }
  const std::string& path() const { return paths_[next_]; } // of the next one
  // Gives the next file. If it cannot be read: a UserError that names it, nothing of it was given,
  // and the call after that goes on with the next file. HalfRead is an end.
  void read_next(BlockSink& sink);

private:
  void start(std::size_t first);

  std::vector<std::string> paths_;
  bool traces_;
  GuardLimits limits_;
  std::vector<GuardProcess> readers_;
  std::size_t next_ = 0;
};

} // namespace peakbench::results
