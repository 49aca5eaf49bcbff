// What ranks have finished while the writer cannot write.
#include <gmock/gmock.h>

#include <csignal>
#include <set>

#include "many_cases.h"

namespace peakbench::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class SpoolOfRun : public ManyCases {
protected:
  // Rank 0 stands still while rank 1 does all of its half, and dies. What is then on disks.
  Promised after_a_writer_that_stood_still() {
    Background background(2, in_halves("r.h5"));
    EXPECT_TRUE(background.hold(1)) << background.output(0);
    EXPECT_TRUE(background.has_shown(1)) << background.output(0);
    const int writer = background.ranks().at(0);
    EXPECT_TRUE(send(writer, SIGSTOP) && within(60, [&] { return state_of(writer) == 'T'; }));
    background.let_go(1);
    EXPECT_TRUE(within(60, [&] { return finished_by(1).size() == kAll / 2; }));
    send(writer, SIGKILL);
    const Ended ended = background.wait();
    EXPECT_NE(ended.status, 124) << ended.output;
    const results::RunData data = results::load(file("r.h5"));
    Promised promised;
    for (const auto& record : in_spool())
      promised.measured[record.case_id] = record.step_seconds;
    for (const auto& record : data.ep)
      promised.measured[record.case_id] = record.step_seconds;
    EXPECT_GT(promised.measured.size(), data.ep.size() + 5) << "something had not been written";
    return promised;
  }
  std::set<std::string> finished_by(std::int64_t rank) const {
    std::set<std::string> ids;
    for (const auto& records : {results::load(file("r.h5")).ep, in_spool()})
      for (const auto& record : records)
        if (record.rank == rank)
          ids.insert(record.case_id);
    return ids;
  }
  std::vector<results::EpCase> in_spool() const {
    std::vector<results::EpCase> records;
    const results::RunData data = results::load(file("r.h5"));
    for (const std::string& message : results::read_spool(file("r.h5"), identity_of(data)).messages)
      records.push_back(std::get<results::EpRow>(results::from_message(message)).record);
    return records;
  }
};

TEST_F(SpoolOfRun, ComesIntoTheFileWithTheNextRun) {
  const Promised promised = after_a_writer_that_stood_still();
  const Ended resumed = run_program(2, run("r.h5"));
  EXPECT_EQ(resumed.status, 0) << resumed.output;
  EXPECT_THAT(resumed.output, HasSubstr("of a run that was killed taken over"));
  const results::RunData data = results::load(file("r.h5"));
  EXPECT_EQ(data.ep.size(), kAll);
  EXPECT_EQ(problem_with(data, promised), "");
  EXPECT_FALSE(fs::exists(file("r.h5.spool")));
}

TEST_F(SpoolOfRun, WithoutItFinishedCasesAreDoneAgain) { // the checks above can fail
  const Promised promised = after_a_writer_that_stood_still();
  fs::remove_all(file("r.h5.spool"));
  const Ended resumed = run_program(2, run("r.h5"));
  EXPECT_EQ(resumed.status, 0) << resumed.output;
  EXPECT_THAT(resumed.output, Not(HasSubstr("taken over")));
  EXPECT_THAT(problem_with(results::load(file("r.h5")), promised), HasSubstr("done again"));
}

TEST_F(SpoolOfRun, AnotherPlansIsLeftWithAWord) {
  after_a_writer_that_stood_still();
  fs::remove(file("r.h5"));
  const Ended other = run_program(2, run("r.h5", {"--set", "seed=77"}));
  EXPECT_EQ(other.status, 0) << other.output;
  EXPECT_THAT(other.output, HasSubstr("is not of this results file, and left alone"));
  EXPECT_EQ(results::load(file("r.h5")).ep.size(), 6u);
  EXPECT_TRUE(fs::exists(file("r.h5.spool")));
}

TEST_F(SpoolOfRun, NoFolderForItIsOneWarning) {
  write_file(file("w.h5.spool"), "in the way");
  const Ended ended = run_program(2, run("w.h5", {"--set", "seed=1"}));
  EXPECT_EQ(ended.status, 0) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr("2 of 2 ranks cannot keep finished cases"));
  EXPECT_EQ(ended.output.find("warning"), ended.output.rfind("warning")) << ended.output;
  EXPECT_EQ(results::load(file("w.h5")).ep.size(), 6u);
}

} // namespace
} // namespace peakbench::testing
