#include "results/guard.h"

#include <algorithm>

#include "results/reading.h"
#include "results/tables.h"
#include "results/traces.h"

namespace peakbench::results {

namespace {

constexpr off_t kLargeBytes = 64 << 20;
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
  if (FileState(path).bytes <= kLargeBytes) {
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

class ToRunData : public BlockSink {
public:
  explicit ToRunData(const std::string& path) { data.path = path; }
  void head(FileHead head) override {
    data.info = std::move(head.info);
    data.environment = std::move(head.environment);
    data.sources = std::move(head.sources);
  }
  void block(Block block) override { append(data, block.rows); }
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
  bool given = false;
  for (;;) {
    Frame frame;
    try {
      frame = reader.receive(path);
    } catch (const UserError& error) {
      if (given)
        throw HalfRead(error.what());
      throw;
    }
    if (frame.kind == kEnd)
      return;
    if (frame.kind == kHead)
      sink.head(head_from(frame.bytes));
    else
      sink.block(block_from(frame.bytes));
    given = true;
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

} // namespace peakbench::results
