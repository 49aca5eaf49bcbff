// Kills at random moments: a rank, a worker, the launcher, the writer. The numbers are the same
// every time, the moments are not.
#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "many_cases.h"
#include "results/python.h"

namespace peakbench::testing {
namespace {

namespace fs = std::filesystem;
using results::testing::quoted;

enum class Target { rank, worker, launcher, writer };
constexpr const char* kTargetNames[] = {"a rank", "a worker", "mpirun", "rank 0"};

struct Setting {
  const char* share;
  int ranks;
  unsigned seed;
};
void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.share; }

class Campaign : public ManyCases, public ::testing::WithParamInterface<Setting> {
protected:
  static constexpr int kKills = 12;

  Campaign() : random_(GetParam().seed) {
    id_of_ = ids_by_label(run_program(0, {"list", file("c.yaml")}).output);
    EXPECT_EQ(id_of_.size(), kAll);
    EXPECT_EQ(run_program(GetParam().ranks, arguments("undisturbed.h5")).status, 0);
    undisturbed_ = results::load(file("undisturbed.h5"));
    EXPECT_EQ(undisturbed_.ep.size(), kAll);
    fs::create_directories(file("copies"));
  }

  std::vector<std::string> arguments(const std::string& out) const {
    return run(out, {"--set", std::string("cluster.share=") + GetParam().share, "--retry-failed"});
  }

  int process_of(Background& run, Target target) {
    const std::vector<int> ranks = run.ranks(), workers = run.workers();
    switch (target) {
    case Target::rank:
      return ranks.at(1 + random_() % (ranks.size() - 1));
    case Target::worker:
      return workers.empty() ? -1 : workers.at(random_() % workers.size());
    case Target::launcher:
      return run.pid();
    case Target::writer:
      return ranks.at(0);
    }
    return -1;
  }

  // Kills after so many more cases, if there is still something to be killed.
  void kill_one(Background& run) {
    const std::size_t before = cases_shown(run.output(0));
    if (!within(60, [&] {
          return cases_shown(run.output(2)) > before + wait_for_ ||
                 run.output(0).find("results: ") != std::string::npos;
        }))
      ADD_FAILURE() << "no progress:\n" << run.output(0);
    wait_for_ = random_() % 7;
    usleep(static_cast<useconds_t>(random_() % 6000));
    const auto target = static_cast<Target>(turn_++ % 4);
    const int process = process_of(run, target);
    // Without mpirun nobody else waits for its ranks.
    for (const int rank : run.ranks())
      if (rank > 0)
        ranks_.push_back(rank);
    if (is_alive(process) && send(process, SIGKILL)) {
      ++kills_;
      story_ += std::string(" ") + kTargetNames[static_cast<std::size_t>(target)];
    }
  }

  // After everybody has gone.
  void look_at_what_is_left(const std::string& out, const std::string& output) {
    for (const int rank : ranks_)
      ASSERT_TRUE(within(60, [&] { return !is_alive(rank); })) << "a rank outlives its mpirun";
    ranks_.clear();
    ASSERT_TRUE(fs::exists(file(out))) << output;
    const results::RunData data = results::load(file(out));
    promised_.reported.merge(reported_in(output, id_of_));
    ASSERT_EQ(problem_with(data, promised_), "") << story_ << "\n" << output;
    const results::Spooled spooled = results::read_spool(file(out), identity_of(data));
    for (const auto& record : data.ep)
      if (record.status == "ok")
        promised_.measured[record.case_id] = record.step_seconds;
    for (const std::string& message : spooled.messages) {
      const auto record = std::get<results::EpRow>(results::from_message(message)).record;
      if (record.status == "ok" && !promised_.measured.contains(record.case_id)) {
        promised_.measured[record.case_id] = record.step_seconds;
        ++rescued_;
      }
    }
    fs::copy_file(file(out), file("copies/" + std::to_string(copies_++) + ".h5"));
  }

  // Launches until it is all done.
  void one_file(const std::string& out) {
    promised_ = {};
    story_.clear();
    for (int launches = 0; launches < 40; ++launches) {
      Background run(GetParam().ranks, arguments(out));
      const bool disturbed = kills_ < kKills;
      if (disturbed)
        kill_one(run);
      if (disturbed && turn_ % 4 == 2) // a worker's end does not end the run
        kill_one(run);
      const Ended ended = run.wait();
      ASSERT_NE(ended.status, 124) << "somebody hangs:\n" << ended.output;
      ASSERT_NO_FATAL_FAILURE(look_at_what_is_left(out, ended.output));
      if (ended.status == 0)
        break;
    }
    const results::RunData data = results::load(file(out));
    EXPECT_EQ(difference(data, undisturbed_), "") << story_;
    EXPECT_FALSE(fs::exists(file(out + ".spool")));
    EXPECT_FALSE(fs::exists(file(out + ".lock")));
  }

  std::mt19937 random_;
  std::map<std::string, std::string> id_of_;
  results::RunData undisturbed_;
  Promised promised_;
  std::string story_;
  std::vector<int> ranks_;
  std::size_t wait_for_ = 1;
  int kills_ = 0, turn_ = 0, copies_ = 0, rescued_ = 0;
};

TEST_P(Campaign, NothingIsLostAndNothingIsDoubled) {
  for (int number = 0; kills_ < kKills && number < kKills; ++number)
    ASSERT_NO_FATAL_FAILURE(one_file("r" + std::to_string(number) + ".h5"));
  EXPECT_GE(kills_, kKills);
  std::cout << kills_ << " kills, " << rescued_ << " cases came back from spools\n";
  PEAKBENCH_NEEDS_PYTHON(python, "h5py");
  const auto opened =
      results::testing::run_program("cd " + quoted(file("copies")) + " && " + python + R"( -c '
import glob, h5py
files = glob.glob("*.h5")
for path in files:
    file = h5py.File(path, "r")
    ids = [row["case_id"] for row in file["/ep/cases"][:]]
    assert len(set(ids)) == len(ids), path
    done = [row["case_id"] for row in file["/ep/cases"][:] if row["status"] == b"ok"]
    file["/ep/samples"][:], [len(file["/ep/traces"][i.decode()]) for i in done]
print(len(files))')");
  EXPECT_EQ(opened.text, std::to_string(copies_) + "\n");
}

INSTANTIATE_TEST_SUITE_P(Of, Campaign,
                         ::testing::Values(Setting{"static", 2, 1}, Setting{"dynamic", 3, 2}),
                         [](const auto& one) { return std::string(one.param.share); });

} // namespace
} // namespace peakbench::testing
