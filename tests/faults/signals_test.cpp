// What batch systems send before they kill.
#include <gmock/gmock.h>

#include <csignal>

#include "many_cases.h"

namespace peakbench::testing {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

struct Sent {
  const char* name;
  int signal;
  int to; // a rank, or -1: mpirun
};
void PrintTo(const Sent& sent, std::ostream* out) { *out << sent.name; }

class Signals : public ManyCases, public ::testing::WithParamInterface<Sent> {
protected:
  std::vector<std::string> arguments() const {
    std::vector<std::string> words = in_halves("r.h5");
    words.insert(words.end(),
                 {"--set", "repeats={warm_up: 0, min: 250, max: 250, time_limit_seconds: 100}",
                  "--set", "cluster.grace_seconds=1"});
    return words;
  }
};

TEST_P(Signals, EndTheRunInOrder) {
  Background background(2, arguments());
  // However late the signal comes, there is something left to do. This one's case is dropped when
  // its time of grace is over, that of rank 0 comes to its end.
  ASSERT_TRUE(background.hold(1)) << background.output(0);
  ASSERT_TRUE(background.has_shown(3)) << background.output(0);
  const int process = GetParam().to < 0
                          ? background.pid()
                          : background.ranks().at(static_cast<std::size_t>(GetParam().to));
  ASSERT_TRUE(send(process, GetParam().signal)) << background.output(0);
  const Ended ended = background.wait();
  const bool own_status = GetParam().to < 0 && GetParam().signal == SIGTERM;
  if (own_status) { // then Open MPI's launcher has one of its own
    EXPECT_THAT(ended.status, AnyOf(1, 3, 128 + SIGTERM)) << ended.output;
  } else {
    EXPECT_EQ(ended.status, 3) << ended.output;
    EXPECT_THAT(ended.output, HasSubstr("interrupted: run the same command again"));
  }
  const results::RunData data = results::load(file("r.h5"));
  EXPECT_LT(data.ep.size(), kAll);
  EXPECT_GE(data.ep.size(), 3u);
  EXPECT_EQ(problem_with(data, {}), "");
  EXPECT_EQ(run_program(2, arguments()).status, 0);
  EXPECT_EQ(results::load(file("r.h5")).ep.size(), kAll);
}

INSTANTIATE_TEST_SUITE_P(To, Signals,
                         ::testing::Values(Sent{"TermToTheWriter", SIGTERM, 0},
                                           Sent{"TermToARank", SIGTERM, 1},
                                           Sent{"UsrToARank", SIGUSR1, 1},
                                           Sent{"UsrToMpirun", SIGUSR1, -1},
                                           Sent{"TermToMpirun", SIGTERM, -1}),
                         [](const auto& one) { return one.param.name; });

} // namespace
} // namespace peakbench::testing
