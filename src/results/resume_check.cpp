#include "results/resume_check.h"

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <new>

#include "base/error.h"
#include "results/file_blocks.h"
#include "results/layout.h"
#include "results/reading.h"
#include "results/rehearsal.h"
#include "results/spool.h"
#include "results/twin_files.h"
#include "results/wire.h"

namespace peakbench::results {

namespace {

constexpr char kAlive = 'L', kSpool = 'S', kGood = 'G';

using Alive = std::function<void()>;

class ToNobody : public BlockSink {
public:
  explicit ToNobody(const Alive& alive) : alive_(alive) {}
  void head(FileHead) override { alive_(); }
  void block(Block) override { alive_(); }

private:
  const Alive& alive_;
};

// A second, and as long again as a guarded reader has for the file: a small one that is never done
// with is found out soon.
double patience_with(const std::string& path, const GuardLimits& limits) {
  return limits.cpu_seconds * (0.1 + static_cast<double>(FileState(path).bytes) /
                                         static_cast<double>(limits.whole_bytes));
}

// A copy takes the room that the file says it has.
void require_full(hid_t file, const std::string& path) {
  haddr_t end = 0;
  check(H5Fget_eoa(file, &end), "H5Fget_eoa");
  const auto bytes = static_cast<haddr_t>(FileState(path).bytes);
  constexpr haddr_t kRoom = 1 << 20; // a writer that was killed may have left some
  if (bytes > end && bytes - end > kRoom)
    throw Hdf5Error("it is " + std::to_string(bytes - end) + " bytes longer than its content");
}

void read_rows_of(hid_t file, const std::string& path, const GuardLimits& limits,
                  const Alive& alive) {
  ToNobody nobody(alive);
  read_blocks_of(file, path, {false, FileState(path).bytes <= limits.whole_bytes}, nobody);
}

void read_spool_of(const std::string& path, const std::string& identity, const Alive& alive) {
  for (const std::string& message : read_spool(path, identity).messages) {
    alive();
    try {
      from_message(message);
    } catch (const std::exception&) {
      // Of another version of this program; what counts is that we are still here.
    }
  }
}

void try_out(const std::string& path, const Alive& alive) {
  const std::string copy = TwinFiles::spare_of(path);
  unlink(copy.c_str());
  std::error_code error;
  std::filesystem::copy_file(path, copy, error);
  if (error)
    throw UserError("cannot write results file " + path, "copy: " + error.message(),
                    "make room, or choose another --out.");
  alive();
  rehearse(copy, alive);
}

// Within the process. The file's identity (Store::identity()).
std::string check_file(const std::string& path, const std::string& plan_hash,
                       const GuardLimits& limits, const Alive& alive) {
  alive();
  require_hdf5_file(path);
  try {
    return with_file("resume", path, kMayNotResume, [&] {
      Handle file = open_file(path, false);
      require_same_plan(file, path, plan_hash);
      require_full(file, path);
      const std::string identity = identity_of(file);
      read_rows_of(file, path, limits, alive);
      file.close("H5Fclose");
      try_out(path, alive);
      // As the tables at the end of the run will.
      read_rows_of(open_file(TwinFiles::spare_of(path), false), path, limits, alive);
      return identity;
    });
  } catch (const std::bad_alloc&) {
    throw UserError("cannot resume results file " + path, "it needs more memory than there is",
                    kMayNotResume);
  }
}

} // namespace

ResumeCheck::ResumeCheck(const GuardLimits& limits)
    : process_(GuardProcess::waiting(
          limits, [&](const GuardProcess::Send& send, const std::string& question) {
            WireReader reader(question);
            const std::string path(reader.text()), plan_hash(reader.text());
            const double seconds = patience_with(path, limits);
            const Alive alive = [&] {
              GuardProcess::allow_seconds(seconds);
              send(kAlive, "");
            };
            const std::string identity = check_file(path, plan_hash, limits, alive);
            send(kSpool, "");
            read_spool_of(path, identity, alive);
            send(kGood, "");
          })) {}

void ResumeCheck::check(const std::string& path, const std::string& plan_hash) {
  const std::string copy = TwinFiles::spare_of(path);
  const std::shared_ptr<void> afterwards(nullptr, [&](void*) {
    process_.end();
    unlink(copy.c_str());
  });
  std::string question;
  put(question, path);
  put(question, plan_hash);
  process_.ask(question);
  bool whole = false; // is the file, and what is beside it is looked at
  try {
    for (char kind = kAlive; kind != kGood; whole = whole || kind == kSpool)
      kind = process_.receive(path).kind;
  } catch (const UserError&) {
    if (!whole)
      throw;
    throw UserError("cannot read " + path + ".spool",
                    "the process that read it crashed, or came to no end",
                    "remove it: what it holds will be measured again.");
  }
}

} // namespace peakbench::results
