// What keeping a case costs: its record into the results file (both twins, flushed to the disk),
// and into the rank's spool before that; and what finding out costs whether a file of so many cases
// can be gone on with. The disk is the one of the temporary folder.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "results/layout.h"
#include "results/resume_check.h"
#include "results/spool.h"
#include "results/store.h"
#include "results/table.h"
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

// One case in ten is to be tried again.
void write_cases(const std::string& path, const results::RunInfo& info, std::int64_t cases) {
  constexpr std::int64_t kBlock = 10000, kRepeats = 4;
  const results::Handle file = results::create_file(path);
  write_layout(file, info);
  for (std::int64_t first = 0; first < cases; first += kBlock) {
    std::vector<results::EabCase> records;
    std::vector<results::RepeatRow> repeats;
    for (std::int64_t number = first; number < std::min(cases, first + kBlock); ++number) {
      records.push_back(row_of(number, 0).record);
      if (number % 10 == 0)
        records.back().status = "failed";
      for (std::int64_t repeat = 0; repeat < kRepeats; ++repeat)
        repeats.push_back({records.back().case_id, repeat, 0.5, 1000, 2000, 3000});
    }
    results::append_rows<results::EabCase>(file, results::kEabCases, records);
    results::append_rows<results::RepeatRow>(file, results::kEabSamples, repeats);
  }
}

void check_before_resuming(benchmark::State& state) {
  const Folder folder;
  results::RunInfo info;
  info.plan_hash = "bench";
  write_cases(folder.file(), info, state.range(0));
  for (auto _ : state)
    results::ResumeCheck().check(folder.file(), info.plan_hash);
  state.counters["file_bytes"] = static_cast<double>(fs::file_size(folder.file()));
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
  benchmark::RegisterBenchmark("resume_check", check_before_resuming)
      ->Arg(100)
      ->Arg(20'000)
      ->Arg(bench::smoke ? 1 : 1'000'000)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add); }
