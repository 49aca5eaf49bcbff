#include "results/guard.h"

#include <algorithm>
#include <variant>

#include "base/hash.h"
#include "results/merge_parts.h"
#include "results/reading.h"
#include "results/wire.h"

namespace peakbench::results {

namespace {

constexpr std::size_t kReaders = 2;

enum Kind : char { kHead = 'H', kBlock = 'B', kEnd = 'E', kAnswer = 'A' };

// Every block has its time.
class ToAsker : public BlockSink {
public:
  ToAsker(const GuardProcess::Send& send, const GuardLimits& limits)
      : send_(send), limits_(limits) {}
  void head(FileHead head) override {
    GuardProcess::allow_seconds(limits_.cpu_seconds);
    send_(kHead, to_bytes(head));
  }
  void block(Block block) override {
    GuardProcess::allow_seconds(limits_.cpu_seconds);
    send_(kBlock, to_bytes(block));
  }

private:
  const GuardProcess::Send& send_;
  const GuardLimits& limits_;
};

// For a first look at a large file.
class ToNobody : public BlockSink {
public:
  explicit ToNobody(const GuardLimits& limits) : limits_(limits) {}
  void head(FileHead) override { GuardProcess::allow_seconds(limits_.cpu_seconds); }
  void block(Block) override { GuardProcess::allow_seconds(limits_.cpu_seconds); }

private:
  const GuardLimits& limits_;
};

class ToMemory : public BlockSink {
public:
  void head(FileHead head) override { frames.push_back({kHead, to_bytes(head)}); }
  void block(Block block) override { frames.push_back({kBlock, to_bytes(block)}); }
  std::vector<Frame> frames;
};

// Nothing is given away before all of the file has been read.
void send_file(const GuardProcess::Send& send, const std::string& path, bool traces,
               const GuardLimits& limits) {
  GuardProcess::allow_seconds(limits.cpu_seconds);
  if (FileState(path).bytes <= limits.whole_bytes) {
    const auto frames = read_file(path, [&](hid_t file) {
      ToMemory memory;
      read_blocks_of(file, path, {traces, true}, memory);
      return std::move(memory.frames);
    });
    for (const Frame& frame : frames)
      send(frame.kind, frame.bytes);
  } else {
    const FileState state = read_file(path, [&](hid_t file) {
      const FileState now(path);
      ToNobody nobody(limits);
      read_blocks_of(file, path, {traces, false}, nobody);
      return now;
    });
    with_file("read", path, kDamaged, [&] {
      const Handle file = open_file(path, false);
      ToAsker asker(send, limits);
      read_blocks_of(file, path, {traces, false}, asker);
    });
    if (FileState(path) != state)
      throw UserError("results file " + path + " changed while it was read",
                      "a run is writing to it", "wait for the end of that run.");
  }
  send(kEnd, "");
}

std::string answer_of(const std::string& path, const GuardLimits& limits,
                      const std::function<std::string()>& question) {
  GuardProcess process(limits, [&](const GuardProcess::Send& send) { send(kAnswer, question()); });
  return process.receive(path).bytes;
}

// What a frame gives.
using Given = std::variant<FileHead, Block>;

Given given_by(const Frame& frame, const std::string& path) {
  try {
    if (frame.kind == kHead)
      return head_from(frame.bytes);
    return block_from(frame.bytes);
  } catch (const std::exception& error) { // of a process that is out of its mind
    throw UserError("cannot read results file " + path, error.what(), kDamaged);
  }
}

class ToRunData : public BlockSink {
public:
  explicit ToRunData(const std::string& path) { data.path = path; }
  void head(FileHead head) override { take_head(data, std::move(head)); }
  void block(Block block) override { take_rows(data, std::move(block)); }
  RunData data;
};

} // namespace

GuardedFiles::GuardedFiles(std::vector<std::string> paths, bool traces, const GuardLimits& limits)
    : paths_(std::move(paths)), traces_(traces), limits_(limits),
      readers_(std::min(kReaders, paths_.size())) {
  for (std::size_t index = 0; index < readers_.size(); ++index)
    start(index);
}

void GuardedFiles::start(std::size_t first) {
  const auto body = [&](const GuardProcess::Send& send) {
    for (std::size_t index = first; index < paths_.size(); index += readers_.size())
      send_file(send, paths_[index], traces_, limits_);
  };
  readers_[first % readers_.size()] = GuardProcess(limits_, body);
}

void GuardedFiles::read_next(BlockSink& sink) {
  GuardProcess& reader = readers_[next_ % readers_.size()];
  if (!reader.is_running()) // the last file was its end
    start(next_);
  const std::string& path = paths_[next_++];
  for (bool is_begun = false;; is_begun = true) {
    Given given;
    try {
      const Frame frame = reader.receive(path);
      if (frame.kind == kEnd)
        return;
      given = given_by(frame, path);
    } catch (const UserError& error) {
      reader.end();
      if (is_begun)
        throw HalfRead(error.what());
      throw;
    }
    if (auto* head = std::get_if<FileHead>(&given))
      sink.head(std::move(*head));
    else
      sink.block(std::move(std::get<Block>(given)));
  }
}

RunData load_guarded(const std::string& path, const GuardLimits& limits) {
  GuardedFiles files({path}, false, limits);
  ToRunData to(path);
  files.read_next(to);
  return std::move(to.data);
}

EabTrace load_eab_trace_guarded(const std::string& path, const std::string& case_id,
                                const GuardLimits& limits) {
  const std::string message = answer_of(path, limits, [&] {
    return to_message(EabRow{{}, {}, load_eab_trace(path, case_id)});
  });
  return std::get<EabRow>(from_message(message)).trace;
}

EpTrace load_ep_trace_guarded(const std::string& path, const std::string& case_id,
                              const GuardLimits& limits) {
  const std::string message = answer_of(path, limits, [&] {
    return to_message(EpRow{{}, {}, load_ep_trace(path, case_id), {}, {}, {}});
  });
  return std::get<EpRow>(from_message(message)).trace;
}

TraceDigests trace_digests_guarded(const std::string& path, const GuardLimits& limits) {
  const std::string bytes = answer_of(path, limits, [&] {
    return read_file(path, [&](hid_t file) {
      std::string found;
      for (const bool eab : {true, false}) {
        const std::string folder = eab ? kEabTraces : kEpTraces;
        for (const std::string& id : names_in(file, folder)) {
          put(found, folder + "/" + id);
          put(found, hash64(content_of_trace(eab, file, id)));
        }
      }
      return found;
    });
  });
  TraceDigests digests;
  for (WireReader reader(bytes); !reader.at_end();) {
    const std::string name(reader.text());
    digests[name] = reader.number<std::uint64_t>();
  }
  return digests;
}

} // namespace peakbench::results
