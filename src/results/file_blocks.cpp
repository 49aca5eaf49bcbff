#include "results/file_blocks.h"

#include <functional>
#include <unordered_set>

#include "results/digest.h"
#include "results/image.h"
#include "results/merge_parts.h"
#include "results/table.h"
#include "results/tables.h"
#include "results/traces.h"

namespace peakbench::results {

namespace {

constexpr hsize_t kImageBytes = 8 << 20; // more traces go into the next block

// A table of rows that belong to cases.
template <class Row>
struct PartTable {
  const char* name;
  std::vector<Row> RunData::*rows;
  std::vector<Row> kept = {};
};

bool read_trace_of(hid_t file, const std::string& id, const EabCase&) {
  EabTrace trace;
  return read_trace(file, id, trace);
}
bool read_trace_of(hid_t file, const std::string& id, const EpCase&) {
  EpTrace trace;
  return read_trace(file, id, trace);
}

class Reading {
public:
  Reading(hid_t file, const std::string& path, const BlockOptions& options, BlockSink& sink)
      : file_(file), path_(path), options_(options), sink_(sink),
        machines_(read_rows<EnvironmentRow>(file, kEnvironment)), digests_(machines_) {}

  void read() {
    send_head();
    cases(kEabCases, &RunData::eab, PartTable<RepeatRow>{kEabSamples, &RunData::eab_repeats});
    cases(kEpCases, &RunData::ep, PartTable<RepeatRow>{kEpSamples, &RunData::ep_repeats},
          PartTable<EpComponentRow>{kEpComponents, &RunData::ep_components},
          PartTable<EpOperationRow>{kEpOperations, &RunData::ep_operations},
          PartTable<EpTrainingRow>{kEpTraining, &RunData::ep_training});
    cases(kCommCases, &RunData::comm, PartTable<RepeatRow>{kCommSamples, &RunData::comm_repeats});
    cases(kScalingCases, &RunData::scaling,
          PartTable<RepeatRow>{kScalingSamples, &RunData::scaling_repeats});
    ranks();
  }

private:
  void send_head() {
    FileHead head{read_run_info(file_), machines_, {}, {}, {}};
    for_each_block<SourceRow>(kSources, [&](std::vector<SourceRow> rows) {
      head.sources.insert(head.sources.end(), rows.begin(), rows.end());
    });
    if (options_.traces && has_link(file_, kPlans)) {
      head.plans = names_in(file_, kPlans);
      const Handle image = create_image();
      for (const std::string& plan : head.plans)
        copy_object(file_, kPlans + ("/" + plan), image, plan);
      head.plans_image = bytes_of_image(image);
    }
    sink_.head(std::move(head));
  }

  template <class Record>
  void for_each_block(const char* table, const std::function<void(std::vector<Record>)>& take) {
    // Tables that files of earlier versions lack.
    const bool is_new = !std::is_same_v<Record, EabCase> && !std::is_same_v<Record, EpCase> &&
                        table != kEabSamples && table != kEpSamples;
    if (!is_new || has_link(file_, table))
      read_blocks<Record>(file_, table, take);
  }

  template <class Row>
  void require_units(const char* table) {
    const std::string column = column_of_another_unit<Row>(file_, table);
    if (!column.empty())
      throw UserError("cannot read results file " + path_,
                      "column " + column + " of " + table +
                          " is in another unit than this version writes",
                      "read it with the version of peakbench that wrote it.");
  }

  template <class Record, class... Row>
  void cases(const char* table, std::vector<Record> RunData::*member, PartTable<Row>... parts) {
    digests_.forget_parts();
    (note(parts), ...);
    bool first = true;
    seen_.clear();
    for_each_block<Record>(table, [&](std::vector<Record> rows) {
      if (std::exchange(first, false))
        require_units<Record>(table);
      send(rows, member);
    });
    (send(parts), ...);
  }

  template <class Row>
  void note(PartTable<Row>& part) {
    bool first = true;
    for_each_block<Row>(part.name, [&](std::vector<Row> rows) {
      if (std::exchange(first, false))
        require_units<Row>(part.name);
      digests_.add_parts(rows);
      if (options_.keep_rows)
        part.kept.insert(part.kept.end(), rows.begin(), rows.end());
    });
  }

  template <class Row>
  void send(PartTable<Row>& part) {
    const auto take = [&](std::vector<Row> rows) {
      Block block;
      block.rows.*part.rows = std::move(rows);
      sink_.block(std::move(block));
    };
    if (!options_.keep_rows)
      for_each_block<Row>(part.name, take);
    else if (!part.kept.empty())
      take(std::move(part.kept));
  }

  // With their traces: those of large ones in several blocks.
  template <class Record>
  void send(std::vector<Record>& rows, std::vector<Record> RunData::*member) {
    Block block;
    Handle image;
    const auto send_block = [&] {
      if (image >= 0)
        block.traces = bytes_of_image(image);
      sink_.block(std::exchange(block, {}));
      image = Handle();
    };
    for (Record& record : rows) {
      std::vector<Record>& out = block.rows.*member;
      block.digests.push_back(digests_.of_case(record));
      if (options_.traces)
        add_trace(record, out.size(), image);
      out.push_back(std::move(record));
      hsize_t bytes = 0;
      if (image >= 0)
        check(H5Fget_filesize(image, &bytes), "H5Fget_filesize");
      if (bytes > kImageBytes)
        send_block();
    }
    if (!block.digests.empty())
      send_block();
  }

  template <class Record>
  void add_trace(const Record& record, std::size_t number, Handle& image) {
    constexpr bool kEab = std::is_same_v<Record, EabCase>;
    if constexpr (kEab || std::is_same_v<Record, EpCase>) {
      const char* folder = kEab ? kEabTraces : kEpTraces;
      const bool first = seen_.insert(hash64(record.case_id)).second;
      const std::string id = trace_id(record.case_id, record.source, first);
      if (record.case_id.find_first_of("./") != std::string::npos)
        throw Hdf5Error("a case id is none");
      if (id.empty() || !read_trace_of(file_, id, record)) // which shows whether it is whole
        return;
      if (image < 0)
        image = image_with(folder);
      copy_object(file_, folder + ("/" + id), image, folder + ("/" + std::to_string(number)));
    }
  }

  static Handle image_with(const std::string& folder) {
    Handle image = create_image();
    make_group(image, folder.substr(0, folder.rfind('/')));
    make_group(image, folder);
    return image;
  }

  void ranks() {
    std::vector<RankRow> kept;
    bool first = true;
    for_each_block<RankRow>(kRanks, [&](std::vector<RankRow> rows) {
      if (std::exchange(first, false))
        require_units<RankRow>(kRanks);
      digests_.add_ranks(rows);
      if (options_.keep_rows)
        kept.insert(kept.end(), rows.begin(), rows.end());
    });
    const auto take = [&](std::vector<RankRow> rows) {
      Block block;
      for (const RankRow& row : rows)
        block.digests.push_back(digests_.of_launch(row));
      block.rows.ranks = std::move(rows);
      sink_.block(std::move(block));
    };
    if (!options_.keep_rows)
      for_each_block<RankRow>(kRanks, take);
    else if (!kept.empty())
      take(std::move(kept));
  }

  hid_t file_;
  const std::string& path_;
  BlockOptions options_;
  BlockSink& sink_;
  std::vector<EnvironmentRow> machines_;
  Digests digests_;
  std::unordered_set<std::uint64_t> seen_; // ids
};

template <class Record>
void put_rows(std::string& bytes, const std::vector<Record>& rows) {
  put(bytes, std::uint64_t{rows.size()});
  for (const Record& row : rows)
    put_row(bytes, row);
}

template <class Record>
std::vector<Record> get_rows(WireReader& bytes) {
  std::vector<Record> rows;
  const auto count = bytes.number<std::uint64_t>();
  for (std::uint64_t row = 0; row < count; ++row)
    rows.push_back(get_row<Record>(bytes));
  return rows;
}

// The texts of a head, in their order.
template <class Head, class Visit>
void for_each_text(Head& head, Visit visit) {
  auto& info = head.info;
  for (auto* text :
       {&info.name, &info.created, &info.command_line, &info.plan_hash, &info.git_revision,
        &info.config_yaml, &info.plan_json, &info.peakbench_version, &head.plans_image})
    visit(*text);
}

} // namespace

void read_blocks_of(hid_t file, const std::string& path, const BlockOptions& options,
                    BlockSink& sink) {
  Reading(file, path, options, sink).read();
}

void take_head(RunData& run, FileHead head) {
  run.info = std::move(head.info);
  run.environment = std::move(head.environment);
  run.sources = std::move(head.sources);
}

void take_rows(RunData& run, Block block) { append(run, block.rows); }

std::string to_bytes(const FileHead& head) {
  std::string bytes;
  for_each_text(head, [&](const std::string& text) { put(bytes, text); });
  put(bytes, std::int64_t{head.info.git_dirty});
  put(bytes, std::uint64_t{head.plans.size()});
  for (const std::string& plan : head.plans)
    put(bytes, plan);
  put_rows(bytes, head.environment);
  put_rows(bytes, head.sources);
  return bytes;
}

FileHead head_from(std::string_view bytes) {
  WireReader reader(bytes);
  FileHead head;
  for_each_text(head, [&](std::string& text) { text = reader.text(); });
  head.info.git_dirty = reader.number<std::int64_t>() != 0;
  const auto plans = reader.number<std::uint64_t>();
  for (std::uint64_t plan = 0; plan < plans; ++plan)
    head.plans.emplace_back(reader.text());
  head.environment = get_rows<EnvironmentRow>(reader);
  head.sources = get_rows<SourceRow>(reader);
  return head;
}

std::string to_bytes(const Block& block) {
  std::string bytes;
  put(bytes, block.traces);
  put(bytes, std::uint64_t{block.digests.size()});
  for (const std::uint64_t digest : block.digests)
    put(bytes, digest);
  for_each_table(block.rows, [&](const char*, const auto& rows) { put_rows(bytes, rows); });
  return bytes;
}

Block block_from(std::string_view bytes) {
  WireReader reader(bytes);
  Block block;
  block.traces = reader.text();
  const auto digests = reader.number<std::uint64_t>();
  for (std::uint64_t digest = 0; digest < digests; ++digest)
    block.digests.push_back(reader.number<std::uint64_t>());
  for_each_table(block.rows, [&]<class Row>(const char*, std::vector<Row>& rows) {
    rows = get_rows<Row>(reader);
  });
  return block;
}

} // namespace peakbench::results
