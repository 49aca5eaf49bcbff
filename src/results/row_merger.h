// Rows of many files as rows of one: what becomes of their numbers, and which are there already.
// Where the rows and their traces go is told by who derives from it.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "results/case_index.h"
#include "results/digest.h"
#include "results/file_blocks.h"
#include "results/merge.h"
#include "results/merge_parts.h"

namespace peakbench::results {

class RowMerger : public BlockSink {
public:
  explicit RowMerger(MergeSelection selection = {}) : selection_(std::move(selection)) {}
  // Before the head of each file.
  void begin(const std::string& path);
  void head(FileHead head) override;
  void block(Block block) override;

  MergeSummary summary() const;
  const std::vector<SourceRow>& sources() const { return sources_; }

protected:
  // A row of the block at hand.
  struct Row {
    const char* traces; // the folder of its trace; null: its kind has none
    const std::string& case_id;
    std::size_t number; // in the block
    KeptRow kept;
  };
  // Whether the traces are equal too. Asked only where everything else is.
  virtual bool same_trace(const Row& row, const KeptRow& other) = 0;
  virtual void begin_block(const Block&) {}
  virtual void keep_trace(const Row&) {}
  virtual void end_block() {}

  RunData taken_; // rows and machines, with the numbers of the merged file

private:
  template <class Record>
  void take(const char* kind, const char* traces, std::vector<Record>& records,
            std::vector<Record>& out, const std::vector<std::uint64_t>& digests);
  template <class Part>
  void take(const char* kind, std::vector<Part>& parts, std::vector<Part>& out) const;
  void take_ranks(std::vector<RankRow>& ranks, const std::vector<std::uint64_t>& digests);
  bool is_chosen(std::size_t number) const { return marks_.empty() || marks_.at(number); }
  std::string conditions_after(const std::string& earlier) const;
  std::int64_t source_number(SourceRow row);
  std::int64_t own_source();
  std::int64_t merged_source(std::int64_t number, bool is_case);

  MergeSelection selection_;
  std::vector<char> marks_; // of the cases of the block at hand; none: all are chosen
  CaseIndex index_;
  MergeSummary summary_;
  Environments environments_;
  std::vector<SourceRow> sources_;
  std::unordered_map<std::string, std::int64_t> source_numbers_;
  std::unordered_set<std::uint64_t> launches_;
  std::int64_t next_launch_ = 0;
  std::int32_t input_ = -1;

  // Of the file at hand.
  SourceRow own_;
  bool own_is_new_ = false;
  Renumbering numbers_;
  // Where the parts of a case belong: its row's source, or kAbsent if it is not kept.
  using Kind = std::string;
  std::unordered_map<Kind, std::unordered_map<CaseKey, std::int64_t, CaseKeyHash>> taken_cases_;
  std::unordered_map<CaseKey, std::int64_t, CaseKeyHash> taken_launches_;
  std::unordered_map<Kind, std::unordered_set<std::uint64_t>> seen_;
};

} // namespace peakbench::results
