// Many results files as one, by the program that users run: time a file, rows a second and resident
// memory. The files are those of a job array, each of cases of its own: of a few with their traces,
// or of some thousand. The disk is the one of the temporary folder.
//
// Making so many files one after the other would take longer than merging them: one is written, and
// the others are its bytes with other case ids of the same length (HDF5's default format has no
// check sums, and the order of names stays).
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "results/layout.h"
#include "results/table.h"
#include "results/traces.h"
#include "tests/bench/bench_main.h"
#include "tests/results/examples.h"

namespace peakbench {
namespace {

namespace fs = std::filesystem;
using results::append_rows;

struct Shape {
  int files = 0, cases = 0, repeats = 0, nodes = 0; // nodes of a trace; 0: no traces
  // Of case tables and samples.
  std::int64_t rows() const { return std::int64_t{files} * cases * (1 + repeats); }
};

// "f000012c000345": the file, then the case.
std::string file_mark(int file) {
  std::string digits = std::to_string(file);
  return "f" + std::string(6 - digits.size(), '0') + digits + "c";
}
std::string case_name(int number) {
  std::string digits = std::to_string(number);
  return file_mark(0) + std::string(6 - digits.size(), '0') + digits;
}

results::EabCase eab_case(int number) {
  results::EabCase row;
  row.case_id = case_name(number);
  row.model = "models/SmolLM2-135M-Instruct.Q4_1.gguf";
  row.weights = "file";
  row.prompt_id = "prompt " + std::to_string(number % 50);
  row.arm = number % 4 == 0 ? "naive" : "cow";
  row.decode = "batched";
  row.dtype = "float32";
  row.max_new_tokens = 50;
  row.seed = number;
  row.status = "ok";
  row.validity = "VALID";
  row.wall_seconds = 0.001 * number;
  row.peak_bytes = 1000 + number;
  row.host = "node";
  row.device = "cuda:0";
  row.environment = 0;
  return row;
}

results::EpCase ep_case(int number) {
  results::EpCase row;
  row.case_id = case_name(number);
  row.arm = "ep_fused";
  row.depth = number;
  row.width = 512;
  row.profile = "residual";
  row.dtype = "float32";
  row.seed = number;
  row.status = "ok";
  row.validity = "VALID";
  row.step_seconds = 0.001 * number;
  row.peak_bytes = 1000 + number;
  row.host = "node";
  row.device = "cuda:0";
  row.environment = 0;
  return row;
}

template <class Record>
std::vector<results::RepeatRow> repeats_of(const std::vector<Record>& cases, int count) {
  std::vector<results::RepeatRow> rows;
  for (const Record& record : cases)
    for (int repeat = 0; repeat < count; ++repeat)
      rows.push_back({record.case_id, repeat, 0.5 + repeat, 1000, 2000, 3000});
  return rows;
}

void write_traces(hid_t file, const results::EabCase& record, int nodes) {
  results::EabTrace trace;
  trace.prompt_tokens.assign(100, 7);
  trace.prompt_lengths = {100};
  const std::string text(200, 'x');
  for (int node = 0; node < nodes; ++node)
    trace.nodes.push_back({node, node - 1, node % 90, node, -0.5, 0.25, false, 0});
  for (int sample = 0; sample < 20; ++sample)
    trace.samples.push_back({nodes - 1, -1.0 * sample, text});
  for (int token = 0; token < 90; ++token)
    trace.tokens.push_back({token, "word" + std::to_string(token)});
  results::write_trace(file, record.case_id, trace);
}

void write_traces(hid_t file, const results::EpCase& record, int) {
  results::EpTrace trace;
  trace.energy.assign(21, 0.5);
  trace.gradient_norm.assign(100, 0.25);
  trace.cosine_to_backprop.assign(100, 1.0);
  results::write_trace(file, record.case_id, trace);
}

// Half of the cases are EAB, half EP.
void write_first(const std::string& path, const Shape& shape) {
  std::vector<results::EabCase> eab;
  std::vector<results::EpCase> ep;
  for (int number = 0; number < shape.cases; ++number)
    if (number % 2 == 0)
      eab.push_back(eab_case(number));
    else
      ep.push_back(ep_case(number));
  const results::Handle file = results::create_file(path);
  results::RunInfo info = results::testing::example_info();
  info.config_yaml = std::string(2000, 'y');
  info.plan_json = std::string(2000, 'p');
  write_layout(file, info);
  std::vector<results::EnvironmentRow> machines{
      results::testing::filled<results::EnvironmentRow>(0)};
  append_rows<results::EnvironmentRow>(file, results::kEnvironment, machines);
  append_rows<results::EabCase>(file, results::kEabCases, eab);
  append_rows<results::EpCase>(file, results::kEpCases, ep);
  append_rows<results::RepeatRow>(file, results::kEabSamples, repeats_of(eab, shape.repeats));
  append_rows<results::RepeatRow>(file, results::kEpSamples, repeats_of(ep, shape.repeats));
  if (shape.nodes == 0)
    return;
  for (const results::EabCase& record : eab)
    write_traces(file, record, shape.nodes);
  for (const results::EpCase& record : ep)
    write_traces(file, record, shape.nodes);
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Files {
public:
  explicit Files(const Shape& shape)
      : folder_(fs::temp_directory_path() / ("peakbench_merge_" + std::to_string(getpid()))) {
    fs::create_directories(folder_ / "in");
    write_first(path(0), shape);
    std::string bytes = bytes_of(path(0));
    std::vector<std::size_t> marks;
    for (std::size_t at = 0; (at = bytes.find(file_mark(0), at)) != bytes.npos; ++at)
      marks.push_back(at);
    for (int number = 1; number < shape.files; ++number) {
      const std::string mark = file_mark(number);
      for (const std::size_t at : marks)
        bytes.replace(at, mark.size(), mark);
      std::ofstream(path(number), std::ios::binary) << bytes;
    }
  }
  ~Files() { fs::remove_all(folder_); }
  std::string folder() const { return (folder_ / "in").string(); }
  std::string merged() const { return (folder_ / "merged.h5").string(); }

private:
  std::string path(int number) const {
    return (folder_ / "in" / (file_mark(number) + ".h5")).string();
  }
  fs::path folder_;
};

// A line of /proc/PID/status, in bytes.
std::int64_t status_bytes(const std::string& pid, const std::string& line) {
  std::ifstream file("/proc/" + pid + "/status");
  for (std::string word; file >> word;)
    if (std::int64_t kilobytes = 0; word == line && file >> kilobytes)
      return kilobytes * 1024;
  return 0;
}

struct Memory {
  std::int64_t program = 0;  // greatest resident set
  std::int64_t together = 0; // with the processes that read for it; what they share counts twice
};

// Looked at every 10 ms: what the kernel keeps of a process that has ended includes what it was
// before it became the program.
Memory watch(pid_t child) {
  Memory memory;
  const std::string pid = std::to_string(child);
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    memory.program = std::max(memory.program, status_bytes(pid, "VmHWM:"));
    std::int64_t sum = status_bytes(pid, "VmRSS:");
    std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
    for (std::string reader; children >> reader;)
      sum += status_bytes(reader, "VmRSS:");
    memory.together = std::max(memory.together, sum);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  if (status != 0)
    throw std::runtime_error("peakbench-aggregate failed");
  return memory;
}

Memory run_program(std::vector<std::string> words) {
  words.insert(words.begin(),
               (fs::read_symlink("/proc/self/exe").parent_path() / "peakbench-aggregate").string());
  std::vector<char*> argv;
  for (std::string& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t child = vfork();
  if (child == 0) {
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, 1);
    execv(argv[0], argv.data());
    _exit(127);
  }
  if (child < 0)
    throw std::runtime_error("vfork failed");
  return watch(child);
}

template <class Words>
void measure(benchmark::State& state, const Shape& shape, Words words) {
  const Files files(shape);
  Memory memory;
  for (auto _ : state)
    memory = run_program(words(files));
  const double times = static_cast<double>(state.iterations());
  state.counters["files"] = shape.files;
  state.counters["rows"] = static_cast<double>(shape.rows());
  state.counters["seconds_per_file"] = benchmark::Counter(
      times * shape.files, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["rows_per_second"] =
      benchmark::Counter(times * static_cast<double>(shape.rows()), benchmark::Counter::kIsRate);
  state.counters["resident_bytes"] = static_cast<double>(memory.program);
  state.counters["resident_bytes_with_readers"] = static_cast<double>(memory.together);
}

void merge(benchmark::State& state, const Shape& shape) {
  measure(state, shape, [](const Files& files) -> std::vector<std::string> {
    return {files.folder(), "--to", files.merged(), "--force"};
  });
}

void tables(benchmark::State& state, const Shape& shape) {
  measure(state, shape,
          [](const Files& files) -> std::vector<std::string> { return {files.folder()}; });
}

template <class Run>
void add(const std::string& name, const Shape& shape, Run run) {
  benchmark::RegisterBenchmark(
      (name + "/files:" + std::to_string(shape.files) + "/cases:" + std::to_string(shape.cases) +
       "/repeats:" + std::to_string(shape.repeats) + (shape.nodes > 0 ? "/traces" : ""))
          .c_str(),
      [=](benchmark::State& state) { run(state, shape); })
      ->Unit(benchmark::kSecond)
      ->UseRealTime()
      ->Iterations(1);
}

void add_all() {
  if (bench::smoke) {
    add("merge", {3, 4, 2, 10}, merge);
    add("tables", {3, 4, 2, 0}, tables);
    return;
  }
  add("merge", {1000, 2, 5, 500}, merge);
  add("merge", {10000, 2, 5, 500}, merge); // a big job array
  add("merge", {10, 10000, 0, 0}, merge);
  add("merge", {100, 10000, 0, 0}, merge); // 10^6 cases
  add("merge", {100, 2000, 4, 0}, merge);  // 10^6 rows, cases and samples
  add("tables", {100, 2000, 4, 0}, tables);
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) { return peakbench::bench::run(argc, argv, peakbench::add_all); }
