// Finished cases on their way to the results file. A rank writes each of its own to a file of its
// own, beside the results file, before it sends it to rank 0, which may be busy, or die, before it
// has written it. The next run takes over what the results file lacks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "results/store.h"

namespace peakbench::results {

// PATH.spool/<host>.<process>: a line that names the results file, then for every case its length
// (8 bytes, of this machine), its hash64 and the bytes of to_message().
class Spool {
public:
  // `identity`: Store::identity() of the results file. The folder exists already, made by
  // make_spool_folder() on the rank that writes results; UserError where it is not to be seen
  // (another machine, no shared file system) or cannot be written to.
  Spool(const std::string& path, const std::string& identity);
  ~Spool(); // the file stays
  Spool(Spool&& other) noexcept;
  Spool& operator=(Spool&&) = delete;

  // On the disk when it returns. UserError if it cannot be written; then it holds what it held.
  void append(std::string_view message);
  // All that it holds is in the results file: room for the next.
  void clear();
  // The same, at the end: the file is removed.
  void remove();

private:
  std::string file_;
  int descriptor_ = -1;
  std::size_t start_ = 0, end_ = 0; // of the first case, of the last
};

void make_spool_folder(const std::string& path);
// If nothing is left in it.
void remove_spool_folder(const std::string& path);

struct Spooled {
  std::vector<std::string> messages; // complete ones; a torn end is left out
  std::vector<std::string> files;    // that they come from
  std::vector<std::string> foreign;  // files of another results file, or not ours at all
};
Spooled read_spool(const std::string& path, const std::string& identity);

// How many cases were taken over. What the store has with status ok it keeps, and it keeps any
// other record unless the spooled one is ok. Files that have been taken over are removed.
std::size_t take_over(const Spooled& spooled, Store& store);

} // namespace peakbench::results
