// A results file as a sequence of blocks of some thousand rows: what merging and loading read, with
// bounded memory, and what a guarded process (guard.h) sends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "results/hdf5.h"
#include "results/store.h"

namespace peakbench::results {

struct FileHead {
  RunInfo info;
  std::vector<EnvironmentRow> environment;
  std::vector<SourceRow> sources;
  // Of a merged file of several plans: their hashes, and an image (image.h) with a group of each.
  std::vector<std::string> plans;
  std::string plans_image;
};

struct Block {
  RunData rows; // of one table
  // Of every case: a hash of everything that was measured (digest.h) but its trace. Of every row of
  // /ranks: one of its whole launch.
  std::vector<std::uint64_t> digests;
  // An image with the cases' traces, where a results file has them, but named after the numbers of
  // the cases within the block. Empty: none.
  std::string traces;
};

class BlockSink {
public:
  virtual ~BlockSink() = default;
  virtual void head(FileHead head) = 0; // first
  virtual void block(Block block) = 0;  // cases come before what belongs to them
};

struct BlockOptions {
  bool traces = false;
  // The rows that are looked at twice stay in memory; for files that are not large.
  bool keep_rows = true;
};
// Hdf5Error where the file is damaged; UserError where a column is in another unit than the field
// list's.
void read_blocks_of(hid_t file, const std::string& path, const BlockOptions& options,
                    BlockSink& sink);

// A file as a whole: what a head and the blocks after it make.
void take_head(RunData& run, FileHead head);
void take_rows(RunData& run, Block block);

std::string to_bytes(const FileHead& head);
std::string to_bytes(const Block& block);
// std::runtime_error for bytes that no to_bytes() made.
FileHead head_from(std::string_view bytes);
Block block_from(std::string_view bytes);

} // namespace peakbench::results
