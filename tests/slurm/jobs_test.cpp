// Every job script on a real Slurm, end to end: the results are those of a plain mpirun.
#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "slurm_job.h"

namespace peakbench::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class JobsTest : public SlurmTest {};

std::set<std::string> ids_of(const results::RunData& data) {
  std::set<std::string> ids;
  for (const auto& record : data.ep)
    ids.insert(record.case_id);
  return ids;
}

TEST_F(JobsTest, MultiNodeWithSrunEqualsMpirun) {
  const std::string job = submit("", "slurm_multi_node.sbatch", "tiny.yaml");
  EXPECT_EQ(wait_for(job), "COMPLETED 0") << log_of(job);
  EXPECT_THAT(log_of(job), AllOf(HasSubstr("srun --mpi=pmix"), HasSubstr("run tiny.yaml")));
  const results::RunData data = results::load(file("results/tiny.h5"));
  ASSERT_EQ(data.ranks.size(), 4u) << "two on each of the two nodes";
  for (const auto& row : data.ranks)
    EXPECT_GT(row.cases, 0) << row.rank;
  EXPECT_EQ(data.ep.size(), 25u);
  EXPECT_EQ(contents(data), contents(plain_run()));
  // Negative control of the comparison.
  fs::remove(file("plain.h5"));
  EXPECT_NE(contents(data), contents(plain_run("--set ep.rate=0.2")));
}

TEST_F(JobsTest, MultiNodeWithMpirunEqualsMpirun) {
  const std::string job = submit("--export=ALL,PEAKBENCH_LAUNCHER=mpirun,PEAKBENCH_OUT=r.h5",
                                 "slurm_multi_node.sbatch", "tiny.yaml");
  EXPECT_EQ(wait_for(job), "COMPLETED 0") << log_of(job);
  EXPECT_THAT(log_of(job), HasSubstr("mpirun --bind-to none -n 4"));
  const results::RunData data = results::load(file("r.h5"));
  EXPECT_EQ(data.ranks.size(), 4u);
  EXPECT_EQ(contents(data), contents(plain_run()));
}

TEST_F(JobsTest, ArrayWritesAFilePerTaskAndMergesThem) {
  const std::string job = submit("--array=1-3", "slurm_array.sbatch", "tiny.yaml");
  // The last job on the cluster is the merge, which the first task submitted.
  shell(
      "for i in $(seq 300); do queue=$(squeue -h) && [ -z \"$queue\" ] && break; sleep 0.2; done");
  ASSERT_TRUE(fs::exists(file("results/tiny.h5"))) << shell("cat log-* peakbench-merge-*").output;
  const results::RunData merged = results::load(file("results/tiny.h5"));
  EXPECT_EQ(contents(merged), contents(plain_run()));
  EXPECT_EQ(merged.ep.size(), 25u);
  ASSERT_EQ(merged.sources.size(), 3u);
  std::size_t rows = 0;
  for (int part = 1; part <= 3; ++part) {
    const std::string name = "results/tiny." + std::to_string(part) + "-of-3.h5";
    const results::RunData data = results::load(file(name));
    EXPECT_GT(data.ep.size(), 0u);
    EXPECT_EQ(data.ranks.at(0).part, std::to_string(part) + "/3");
    EXPECT_EQ(merged.sources[static_cast<std::size_t>(part - 1)].path, name);
    EXPECT_EQ(merged.sources[static_cast<std::size_t>(part - 1)].kept_cases,
              static_cast<std::int64_t>(data.ep.size()));
    rows += data.ep.size();
  }
  EXPECT_EQ(rows, 25u) << "no case in two parts";
  // A merged file is one to go on with: nothing is left to do.
  const Ended again =
      shell(PEAKBENCH_LAUNCH " 1 " PEAKBENCH_PROGRAM " run tiny.yaml --out results/tiny.h5");
  EXPECT_EQ(again.status, 0);
  EXPECT_THAT(again.output, HasSubstr("0 of 25 cases to do"));
  EXPECT_EQ(field_of(job + "_1", "JobState"), "COMPLETED");
}

TEST_F(JobsTest, RequeueResumesWhereTheSignalCame) {
  const std::string job =
      submit("--nodes=2", "slurm_requeue.sbatch", std::string("tiny.yaml") + kSlowly);
  ASSERT_TRUE(held_at_cases(job, 3)) << log_of(job);
  // As --signal=B:USR1 does before the time limit: to the batch script alone.
  EXPECT_EQ(shell("scancel --batch --signal=USR1 " + job).status, 0);
  EXPECT_TRUE(in_time([&] { return field_of(job, "Restarts") == "1"; })) << log_of(job);
  EXPECT_EQ(wait_for(job), "COMPLETED 0") << log_of(job);
  const results::RunData after = results::load(file("results/tiny.h5"));
  EXPECT_EQ(after.ep.size(), 25u);
  EXPECT_EQ(ids_of(after).size(), 25u) << "none twice";
  ASSERT_EQ(after.ranks.size(), 4u) << "two launches of two ranks";
  EXPECT_EQ(after.ranks.back().launch, 1);
  // What each launch has done, by its own count.
  std::int64_t done[2] = {0, 0};
  for (const auto& row : after.ranks)
    done[row.launch == 0 ? 0 : 1] += row.cases;
  EXPECT_GE(done[0], 3);
  EXPECT_LT(done[0], 25);
  EXPECT_EQ(done[0] + done[1], 25) << "not done again";
  EXPECT_THAT(log_of(job),
              AllOf(HasSubstr("launch 1 of job"), HasSubstr("interrupted: back into the queue"),
                    HasSubstr("launch 2 of job"),
                    HasSubstr(std::to_string(25 - done[0]) + " of 25 cases to do")));
  EXPECT_EQ(contents(after), contents(plain_run()));
}

TEST_F(JobsTest, RequeueEndsWhenItMayNotStartAgain) {
  const std::string job = submit("--nodes=2 --export=ALL,PEAKBENCH_MAX_RESTARTS=0",
                                 "slurm_requeue.sbatch", std::string("tiny.yaml") + kSlowly);
  ASSERT_TRUE(held_at_cases(job, 1)) << log_of(job);
  shell("scancel --batch --signal=USR1 " + job);
  EXPECT_EQ(wait_for(job), "FAILED 3") << log_of(job);
  EXPECT_THAT(log_of(job), HasSubstr("PEAKBENCH_MAX_RESTARTS"));
  EXPECT_EQ(field_of(job, "Restarts"), "0");
}

TEST_F(JobsTest, ASignalToTheStepsKeepsTheResults) {
  for (const char* launcher : {"srun", "mpirun"}) {
    const std::string out = std::string(launcher) + ".h5";
    const std::string job =
        submit("--export=ALL,PEAKBENCH_LAUNCHER=" + std::string(launcher) + ",PEAKBENCH_OUT=" + out,
               "slurm_multi_node.sbatch", std::string("tiny.yaml") + kSlowly);
    ASSERT_TRUE(held_at_cases(job, 3)) << log_of(job);
    // To the ranks with srun; with mpirun, whose ranks are no Slurm step of their own, to the
    // script.
    shell(std::string("scancel ") + (launcher == std::string("srun") ? "" : "--batch ") +
          "--signal=USR1 " + job);
    EXPECT_EQ(wait_for(job), "FAILED 3") << log_of(job);
    EXPECT_THAT(log_of(job), HasSubstr("interrupted"));
    const std::size_t done = results::load(file(out)).ep.size();
    EXPECT_GE(done, 3u);
    EXPECT_LT(done, 25u);
  }
}

TEST_F(JobsTest, CancellingAJobKeepsTheResults) {
  const std::string job = submit("", "slurm_multi_node.sbatch", std::string("tiny.yaml") + kSlowly);
  ASSERT_TRUE(held_at_cases(job, 3)) << log_of(job);
  shell("scancel " + job);
  EXPECT_THAT(wait_for(job), HasSubstr("CANCELLED")) << log_of(job);
  EXPECT_GE(results::load(file("results/tiny.h5")).ep.size(), 3u);
  // The same command does what is missing.
  const std::string again =
      submit("", "slurm_multi_node.sbatch", std::string("tiny.yaml") + kSlowly);
  EXPECT_EQ(wait_for(again), "COMPLETED 0") << log_of(again);
  const results::RunData data = results::load(file("results/tiny.h5"));
  EXPECT_EQ(data.ep.size(), 25u);
  EXPECT_EQ(ids_of(data).size(), 25u);
}

TEST_F(JobsTest, WorkstationScriptRunsAndIsInterrupted) {
  const Ended whole = shell("PEAKBENCH_RANKS=2 \"$PEAKBENCH_ROOT\"/jobs/workstation.sh tiny.yaml");
  EXPECT_EQ(whole.status, 0) << whole.output;
  EXPECT_THAT(whole.output, HasSubstr("mpirun --bind-to none -n 2"));
  const results::RunData data = results::load(file("results/tiny.h5"));
  EXPECT_EQ(data.ranks.size(), 2u);
  EXPECT_EQ(contents(data), contents(plain_run()));
  write_file(file("go.sh"), "echo $$ >process\n"
                            "exec \"$PEAKBENCH_ROOT\"/jobs/workstation.sh tiny.yaml" +
                                std::string(kSlowly) + "\n");
  shell("(PEAKBENCH_OUT=s.h5 PEAKBENCH_RANKS=2 bash go.sh; echo $? >status) "
        "</dev/null >log-go 2>&1 &");
  ASSERT_TRUE(held_at_cases("go", 1)) << log_of("go");
  EXPECT_EQ(shell("kill -TERM $(cat process)").status, 0);
  EXPECT_TRUE(in_time([&] { return read_file(file("status")) == "3\n"; })) << log_of("go");
  EXPECT_LT(results::load(file("s.h5")).ep.size(), 25u);
}

TEST_F(JobsTest, MistakesAreOneMessageAndStatus2) {
  for (const auto& [settings, arguments, message] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"", "none.yaml", "there is no configuration none.yaml"},
           {"PEAKBENCH_LAUNCHER=aprun", "tiny.yaml", "srun or mpirun"},
           {"", "tiny.yaml --set ep.dephts=3", "dephts"}}) {
    const std::string job = submit("--ntasks-per-node=1 --nodes=1 --export=ALL," + settings,
                                   "slurm_multi_node.sbatch", arguments);
    EXPECT_EQ(wait_for(job), "FAILED 2") << log_of(job);
    EXPECT_THAT(log_of(job), HasSubstr(message));
  }
  const Ended help = shell("bash \"$PEAKBENCH_ROOT\"/jobs/slurm_array.sbatch --help");
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.output, AllOf(HasSubstr("usage: sbatch"), Not(HasSubstr("#SBATCH"))));
}

} // namespace
} // namespace peakbench::testing
