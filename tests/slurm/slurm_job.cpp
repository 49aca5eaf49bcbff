#include "slurm_job.h"

#include <chrono>
#include <csignal>
#include <filesystem>
#include <sstream>
#include <thread>

#include "results/fields.h"
#include "support/processes.h"

namespace peakbench::testing {

namespace fs = std::filesystem;

const char* const kTinyPlan = R"(
name: tiny
repeats: {warm_up: 0, min: 1, max: 2, interval: 0.5, time_limit_seconds: 0.1}
device: cpu
cluster: {threads: 1}
ep:
  arms: [backprop, truncated_backprop, ep_autograd, ep_analytic, ep_fused]
  depths: [2, 3, 4, 5, 6]
  width: 16
  batch: 4
  steps: 4
)";
const char* const kSlowly =
    " --set 'repeats={warm_up: 0, min: 200, max: 200, time_limit_seconds: 100}' "
    "--set cluster.share=static --set cluster.grace_seconds=2";

namespace {

constexpr auto kPatience = std::chrono::seconds(200);
constexpr auto kPause = std::chrono::milliseconds(200);

// What has to be equal whatever the ranks and nodes is all the rest.
bool may_differ(std::string_view name) {
  for (const char* part : {"second", "resident", "device_used", "repeats", "stop_reason"})
    if (name.find(part) != std::string_view::npos)
      return true;
  return name == "rank" || name == "host" || name == "device" || name == "environment" ||
         name == "source";
}

template <class Record>
void add_contents(const std::vector<Record>& records, std::map<std::string, std::string>& rows) {
  for (const Record& record : records)
    for (const auto& field : results::fields<Record>())
      if (!may_differ(field.name))
        rows[record.case_id] += std::string(field.name) + "=" +
                                results::text_of(results::value_of(field, record)) + "\n";
}

} // namespace

std::map<std::string, std::string> contents(const results::RunData& data) {
  std::map<std::string, std::string> rows;
  add_contents(data.eab, rows);
  add_contents(data.ep, rows);
  return rows;
}

void SlurmTest::SetUp() {
  if (!fs::exists(fs::path(PEAKBENCH_SLURM_CLUSTER) / "ready"))
    GTEST_SKIP() << "needs a Slurm cluster of its own: root, slurm-wlm and munge "
                    "(tools/bootstrap.sh --with-slurm), tests/slurm/cluster.sh start "
                 << PEAKBENCH_SLURM_CLUSTER;
  write_file(scratch_ / "tiny.yaml", kTinyPlan);
  // A bundle: the scripts with the programs under test, of whatever build.
  const fs::path root = scratch_ / "root";
  fs::create_directory(root);
  fs::create_directory_symlink(source_folder() / "jobs", root / "jobs");
  fs::create_directory_symlink(fs::path(PEAKBENCH_PROGRAM).parent_path(), root / "bin");
}

void SlurmTest::TearDown() {
  if (!IsSkipped())
    shell("scancel --full --user=root");
}

SlurmTest::Ended SlurmTest::shell(const std::string& command) const {
  // Both virtual nodes are one host, whose ranks must not take each other for different machines'.
  const std::string setting = "cd '" + scratch_.path().string() + "' && export SLURM_CONF='" +
                              PEAKBENCH_SLURM_CLUSTER "/slurm.conf' OMPI_MCA_btl=self,tcp "
                                                      "OMP_NUM_THREADS=1 PEAKBENCH_ROOT='" +
                              file("root") + "' PATH='" +
                              fs::path(PEAKBENCH_PROGRAM).parent_path().string() + "':\"$PATH\"; " +
                              command;
  write_file(scratch_ / "command.sh", setting + "\n");
  FILE* pipe = popen(("bash '" + file("command.sh") + "' 2>&1").c_str(), "r");
  if (!pipe)
    return {-1, "popen failed"};
  Ended ended;
  char buffer[4096];
  for (std::size_t count; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    ended.output.append(buffer, count);
  const int status = pclose(pipe);
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

std::string SlurmTest::submit(const std::string& options, const std::string& script,
                              const std::string& arguments) const {
  const Ended ended = shell("sbatch --parsable --output=log-%j " + options +
                            " \"$PEAKBENCH_ROOT\"/jobs/" + script + " " + arguments);
  EXPECT_EQ(ended.status, 0) << ended.output;
  return ended.output.substr(0, ended.output.find('\n'));
}

std::string SlurmTest::field_of(const std::string& job, const std::string& name) const {
  std::istringstream words(shell("scontrol show job --oneliner " + job).output);
  for (std::string word; words >> word;)
    if (word.starts_with(name + "="))
      return word.substr(name.size() + 1);
  return "";
}

std::string SlurmTest::wait_for(const std::string& job) const {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const std::string state = field_of(job, "JobState"), code = field_of(job, "ExitCode");
    // Nothing is told of a job by a controller that is too busy to answer.
    const bool is_over = !state.empty() && state != "PENDING" && state != "RUNNING" &&
                         state != "COMPLETING" && state != "CONFIGURING" && state != "REQUEUED";
    if (is_over || std::chrono::steady_clock::now() > end)
      return state + " " + code.substr(0, code.find(':'));
    std::this_thread::sleep_for(kPause);
  }
}

std::string SlurmTest::log_of(const std::string& job) const {
  return fs::exists(file("log-" + job)) ? read_file(scratch_ / ("log-" + job)) : "no log";
}

bool SlurmTest::held_at_cases(const std::string& job, std::size_t count) const {
  const auto held = [&] {
    const auto workers = processes_in(fs::canonical(scratch_.path()).string(), "peakbench worker");
    return !workers.empty() && send(workers.front(), SIGSTOP);
  };
  return in_time(held) && in_time([&] { return cases_shown(log_of(job)) >= count; });
}

bool SlurmTest::in_time(const std::function<bool()>& so) {
  return within(std::chrono::duration<double>(kPatience).count(), so);
}

results::RunData SlurmTest::plain_run(const std::string& options) const {
  const Ended ended =
      shell(PEAKBENCH_LAUNCH " 1 " PEAKBENCH_PROGRAM " run tiny.yaml --out plain.h5 " + options);
  EXPECT_EQ(ended.status, 0) << ended.output;
  return results::load(file("plain.h5"));
}

} // namespace peakbench::testing
