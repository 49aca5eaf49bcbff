// Changes to a file that a kill at any instant leaves either undone or done.
//
// HDF5 writes metadata in place and in no order that can be relied upon: a process killed within a
// flush leaves a file that may not open. So two files are kept during a run. A change is made to
// the spare one, flushed to the disk, and then the names are exchanged: the file called PATH is
// complete at every instant, for us and for any other program. The former file, now the spare, gets
// the same change before the next one, which costs a second write of a few kilobytes and no copy of
// the file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "results/hdf5.h"

namespace peakbench::results {

class TwinFiles {
public:
  // A change must do the same to equal files. It is called once for each of the two.
  using Change = std::function<void(hid_t file)>;

  // PATH appears complete or not at all; UserError if something of that name exists.
  static TwinFiles create(const std::string& path, const Change& fill);
  // An existing file; leftovers of a killed writer are removed. The caller holds the FileLock.
  explicit TwinFiles(const std::string& path);
  ~TwinFiles();
  TwinFiles(TwinFiles&&) noexcept = default;
  TwinFiles& operator=(TwinFiles&&) = delete;

  // The other file's name; any file of that name is a leftover.
  static std::string spare_of(const std::string& path) { return path + ".spare"; }

  // For reading.
  hid_t file() const { return live_; }
  // Once this returns the change is in PATH. If it throws, PATH is as before.
  void commit(const Change& change);

private:
  void prepare_spare();
  void drop_spare() noexcept;
  bool exchange_names();

  std::string path_;
  Handle live_, spare_;
  std::vector<Change> missing_in_spare_;
};

} // namespace peakbench::results
