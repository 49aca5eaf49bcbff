// What keeping a case costs: its record into the results file (both twins, flushed to the disk),
// and into the rank's spool before that. The disk is the one of the temporary folder.
#include <unistd.h>

#include <filesystem>
#include <string>

#include "results/spool.h"
#include "results/store.h"
#include "tests/bench/bench_main.h"

namespace peakbench {
namespace {

namespace fs = std::filesystem;

class Folder {
public:
  Folder() : path_(fs::temp_directory_path() / ("peakbench_bench_" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string file() const { return (path_ / "r.h5").string(); }

private:
  fs::path path_;
};

// A case with a trace of so many nodes.
results::EabRow row_of(std::int64_t number, std::int64_t nodes) {
  results::EabRow row;
  row.record.case_id = "case" + std::to_string(number);
  row.record.status = "ok";
  for (int repeat = 0; repeat < 10; ++repeat)
    row.repeats.push_back({row.record.case_id, repeat, 0.5, 1000, 2000, 3000});
  for (std::int32_t node = 0; node < nodes; ++node)
    row.trace.nodes.push_back({node, node - 1, 17, node, -0.5, 0.25, false, 0});
  return row;
}

void append_to_store(benchmark::State& state) {
  const Folder folder;
  results::RunInfo info;
  info.plan_hash = "bench";
  results::Store store = results::Store::create(folder.file(), info);
  std::int64_t number = 0;
  for (auto _ : state)
    store.append(row_of(number++, state.range(0)));
}

void append_to_spool(benchmark::State& state) {
  const Folder folder;
  results::make_spool_folder(folder.file());
  results::Spool spool(folder.file(), "bench");
  const std::string message = results::to_message(row_of(0, state.range(0)));
  for (auto _ : state) {
    spool.append(message);
    spool.clear();
  }
  state.counters["message_bytes"] = static_cast<double>(message.size());
}

// 20 samples of 50 tokens make some 500 nodes.
void add() {
  benchmark::RegisterBenchmark("store", append_to_store)
      ->Arg(0)
      ->Arg(500)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
  benchmark::RegisterBenchmark("spool", append_to_spool)
      ->Arg(0)
      ->Arg(500)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add); }
