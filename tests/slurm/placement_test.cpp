// What Slurm gives to each rank reaches it: nodes, GPUs, shares of the work.
#include <gmock/gmock.h>

#include <set>

#include "slurm_job.h"

namespace peakbench::testing {
namespace {

class PlacementTest : public SlurmTest {
protected:
  // srun OPTIONS peakbench run tiny.yaml --out NAME ARGUMENTS
  results::RunData srun(const std::string& options, const std::string& name,
                        const std::string& arguments = "") const {
    const Ended ended =
        shell("srun --mpi=pmix " + options + " " PEAKBENCH_PROGRAM " run tiny.yaml --out " + name +
              " " + arguments);
    EXPECT_EQ(ended.status, 0) << ended.output;
    return results::load(file(name));
  }
};

std::string variable_of(const results::EnvironmentRow& row, const std::string& name) {
  const std::size_t at = ("\n" + row.variables).find("\n" + name + "=");
  if (at == std::string::npos)
    return "none";
  const std::size_t start = at + name.size() + 1;
  return row.variables.substr(start, row.variables.find('\n', start) - start);
}

TEST_F(PlacementTest, EightRanksWithDynamicSharingEqualOneRank) {
  const results::RunData data =
      srun("-N2 -n8 --overcommit", "eight.h5", "--set cluster.share=dynamic");
  EXPECT_EQ(data.ranks.size(), 8u);
  std::int64_t cases = 0;
  for (const auto& row : data.ranks) {
    cases += row.cases;
    EXPECT_EQ(row.share, "dynamic");
  }
  EXPECT_EQ(cases, 25);
  EXPECT_EQ(data.ep.size(), 25u);
  EXPECT_EQ(contents(data), contents(plain_run()));
}

TEST_F(PlacementTest, EveryRankSeesTheGpuThatSlurmBoundItTo) {
  // The fake GPUs are none to CUDA, so the run is on the CPU; what is tested is that Slurm's
  // binding is what each rank had, and that the file says so.
  const results::RunData data = srun("-N2 -n4 --gpus-per-task=1 --gpu-bind=single:1", "gpus.h5");
  ASSERT_EQ(data.environment.size(), 4u);
  std::map<std::string, int> ranks_with;
  for (const auto& row : data.environment)
    ++ranks_with[variable_of(row, "CUDA_VISIBLE_DEVICES")];
  EXPECT_EQ(ranks_with, (std::map<std::string, int>{{"0", 2}, {"1", 2}})) << "two on each node";
  EXPECT_EQ(variable_of(data.environment[0], "SLURM_JOB_NUM_NODES"), "2");

  const results::RunData all = srun("-N1 -n2 --gpus-per-node=2", "all.h5");
  for (const auto& row : all.environment)
    EXPECT_EQ(variable_of(row, "CUDA_VISIBLE_DEVICES"), "0,1") << "not bound: each sees both";
}

} // namespace
} // namespace peakbench::testing
