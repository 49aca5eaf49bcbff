// The collective benchmark: what it measures is right, and what is wrong is seen and told.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "results/fields.h"
#include "suite/collective_case.h"
#include "suite/comm_measure.h"
#include "suite/comm_pattern.h"

namespace peakbench::suite {
namespace {

using cluster::Collectives;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kOperations[] = {"all_gather", "all_reduce", "broadcast", "reduce"};

results::CommCase comm_case(const std::string& operation, std::int64_t bytes, int ranks) {
  results::CommCase record;
  record.operation = operation;
  record.backend = "mpi";
  record.message_bytes = bytes;
  record.ranks = ranks;
  record.case_id = results::case_id_of(record);
  return record;
}

class CommCaseTest : public ::testing::Test {
protected:
  CommCaseTest() {
    config_.repeats = {.warm_up = 1, .min = 3, .max = 4, .interval = 0, .time_limit_seconds = 600};
    placement_.rank = session_.rank();
  }
  results::CommRow run(const results::CommCase& record) const {
    return run_comm_case(session_, {record}, config_, placement_);
  }
  // With whatever is done to the operations.
  Outcome measure(Collectives& collectives, results::CommRow& row) const {
    return measure_collective(session_, collectives, {config_.repeats, 60}, row);
  }

  int argc_ = 0;
  char** argv_ = nullptr;
  cluster::Session session_{argc_, argv_};
  Config config_;
  Placement placement_;
};

TEST_F(CommCaseTest, EveryOperationOfEverySizeIsMeasuredAndRight) {
  for (const char* operation : kOperations)
    for (const std::int64_t bytes : {1, 3, 8, 1000, 4099, 100003}) {
      const results::CommRow row = run(comm_case(operation, bytes, session_.size()));
      const results::CommCase& record = row.record;
      SCOPED_TRACE(std::string(operation) + " of " + std::to_string(bytes));
      EXPECT_EQ(record.status, "ok") << record.reason;
      EXPECT_EQ(record.validity, "VALID");
      EXPECT_EQ(record.transport, "mpi");
      EXPECT_EQ(record.hosts, session_.rank() == 0 ? 1 : 0) << "rank 0's record counts";
      EXPECT_EQ(record.repeats, 4);
      ASSERT_EQ(row.repeats.size(), 4u);
      EXPECT_GT(record.seconds, 0);
      EXPECT_LE(record.seconds_lower, record.seconds);
      EXPECT_GE(record.seconds_upper, record.seconds);
      for (const results::RepeatRow& repeat : row.repeats)
        EXPECT_EQ(repeat.case_id, record.case_id);
      // The formulas, from the record alone.
      const double n = session_.size(), sent = static_cast<double>(record.sent_bytes);
      EXPECT_DOUBLE_EQ(record.algorithm_bandwidth, sent / record.seconds);
      const double factor = record.operation == "all_gather"   ? (n - 1) / n
                            : record.operation == "all_reduce" ? 2 * (n - 1) / n
                                                               : 1;
      EXPECT_DOUBLE_EQ(record.bus_bandwidth, record.algorithm_bandwidth * factor);
    }
}

TEST_F(CommCaseTest, TheSameFiguresOnEveryRank) {
  const results::CommRow row = run(comm_case("all_reduce", 64, session_.size()));
  const double first = std::stod(session_.broadcast(fmt::format("{:a}", row.record.seconds)));
  EXPECT_EQ(row.record.seconds, first) << "the slowest rank's, whoever that was";
}

TEST_F(CommCaseTest, FewerRanksLeaveTheOthersWaiting) {
  for (int ranks = 1; ranks <= session_.size(); ++ranks) {
    const results::CommRow row = run(comm_case("all_reduce", 256, ranks));
    if (session_.rank() < ranks) {
      EXPECT_EQ(row.record.status, "ok") << row.record.reason;
      EXPECT_EQ(row.record.validity, "VALID");
    }
  }
}

TEST_F(CommCaseTest, MoreRanksThanThereAreIsSkipped) {
  const results::CommCase record = run(comm_case("reduce", 8, session_.size() + 1)).record;
  EXPECT_EQ(record.status, "skipped");
  EXPECT_THAT(record.reason, StartsWith("the run has " + std::to_string(session_.size())));
  EXPECT_TRUE(std::isnan(record.seconds));
}

TEST_F(CommCaseTest, NcclWithoutGpusIsSkippedAndAutoIsMpi) {
  results::CommCase record = comm_case("all_reduce", 8, session_.size());
  record.backend = "nccl";
  record = run(record).record;
  EXPECT_EQ(record.status, "skipped");
  EXPECT_THAT(record.reason, HasSubstr("NCCL is not possible: "));
  record = comm_case("all_reduce", 8, session_.size());
  record.backend = "auto";
  record = run(record).record;
  EXPECT_EQ(record.status, "ok");
  EXPECT_EQ(record.transport, "mpi");
}

// MPI's operations, and something done to them.
class Tampered : public Collectives {
public:
  explicit Tampered(const cluster::Session& session)
      : session_(session), real_(cluster::make_collectives(session, cluster::GatherBy::mpi,
                                                           c10::Device(c10::kCPU), 60)) {}
  cluster::GatherBy transport() const override { return real_->transport(); }
  c10::Device device() const override { return real_->device(); }
  void all_gather(const at::Tensor& mine, at::Tensor& all) override {
    real_->all_gather(mine, all);
    tamper(all);
  }
  void all_reduce(const at::Tensor& mine, at::Tensor& sum) override {
    real_->all_reduce(mine, sum);
    tamper(sum);
  }
  void broadcast(at::Tensor& values, int root) override {
    real_->broadcast(values, root);
    tamper(values);
  }
  void reduce(const at::Tensor& mine, at::Tensor& sum, int root) override {
    real_->reduce(mine, sum, root);
    tamper(sum);
  }
  void wait() override { real_->wait(); }

protected:
  virtual void tamper(at::Tensor& result) = 0;
  const cluster::Session& session_;

private:
  std::unique_ptr<Collectives> real_;
};

// The last value on one rank is off by one.
class OneWrongValue final : public Tampered {
public:
  OneWrongValue(const cluster::Session& session, int rank) : Tampered(session), rank_(rank) {}
  void tamper(at::Tensor& result) override {
    if (session_.rank() == rank_)
      result.mutable_data_ptr<float>()[result.numel() - 1] += 1;
  }

private:
  int rank_;
};

TEST_F(CommCaseTest, OneWrongValueOnOneRankIsInvalidOnAll) {
  for (const char* operation : kOperations) {
    const bool on_root_only = std::string(operation) == "reduce";
    const int rank = on_root_only ? 0 : session_.size() - 1;
    OneWrongValue wrong(session_, rank);
    results::CommRow row{comm_case(operation, 400, session_.size()), {}};
    const Outcome outcome = measure(wrong, row);
    EXPECT_EQ(outcome.status, "ok") << outcome.reason;
    EXPECT_THAT(row.record.validity, StartsWith("INVALID: rank " + std::to_string(rank) + ": "))
        << operation;
    EXPECT_THAT(row.record.validity, HasSubstr("instead of")) << operation;
  }
}

// A result that is what came out the round before.
class Stale final : public Tampered {
public:
  using Tampered::Tampered;
  void tamper(at::Tensor& result) override {
    // Operations of one round all give the same.
    if (!now_.defined() || !now_.equal(result)) {
      before_ = now_;
      now_ = result.clone();
    }
    if (before_.defined())
      result.copy_(before_);
  }

private:
  at::Tensor before_, now_;
};

TEST_F(CommCaseTest, TheResultOfTheRoundBeforeIsInvalid) {
  for (const char* operation : {"all_gather", "all_reduce"}) {
    Stale stale(session_);
    results::CommRow row{comm_case(operation, 400, session_.size()), {}};
    EXPECT_EQ(measure(stale, row).status, "ok");
    EXPECT_THAT(row.record.validity, StartsWith("INVALID: rank 0: ")) << operation;
  }
}

class Failing final : public Tampered {
public:
  Failing(const cluster::Session& session, int rank) : Tampered(session), rank_(rank) {}
  void tamper(at::Tensor&) override {
    if (session_.rank() == rank_ && ++calls_ == 5)
      throw std::runtime_error("the cable was pulled");
  }

private:
  int rank_, calls_ = 0;
};

TEST_F(CommCaseTest, ARankThatFailsLeavesNobodyHanging) {
  config_.repeats.max = config_.repeats.min = 20;
  for (int rank = 0; rank < session_.size(); ++rank) {
    Failing failing(session_, rank);
    results::CommRow row{comm_case("all_reduce", std::int64_t{1} << 20, session_.size()), {}};
    const Outcome outcome = measure(failing, row);
    EXPECT_EQ(outcome.status, "failed");
    EXPECT_THAT(outcome.reason, HasSubstr("the cable was pulled"));
    if (session_.size() > 1) {
      EXPECT_THAT(outcome.reason, StartsWith("rank " + std::to_string(rank) + ": "));
    }
    EXPECT_TRUE(std::isnan(row.record.seconds)) << "measured or absent";
  }
}

TEST_F(CommCaseTest, TimeLimitAndSignalEndItOnAllRanks) {
  results::CommRow row{comm_case("all_reduce", 1024, session_.size()), {}};
  const auto collectives =
      cluster::make_collectives(session_, cluster::GatherBy::mpi, c10::Device(c10::kCPU), 60);
  EXPECT_EQ(measure_collective(session_, *collectives, {config_.repeats, 0}, row).status,
            "timed_out");
  // Only one rank is told.
  const bool told = session_.rank() == session_.size() - 1;
  const Outcome outcome = measure_collective(session_, *collectives,
                                             {config_.repeats, 60, [told] { return told; }}, row);
  EXPECT_EQ(outcome.status, "interrupted");
}

TEST_F(CommCaseTest, MemoryThatIsNotThereIsOutOfMemoryOnAll) {
  // More than any address space: the allocation fails before any rank is in an operation.
  const results::CommCase record =
      run(comm_case("all_reduce", std::int64_t{1} << 59, session_.size())).record;
  EXPECT_EQ(record.status, "out_of_memory") << record.reason;
}

TEST(CommFormulas, SizesAreWholeElementsAndEqualParts) {
  const auto sent = [](const char* operation, std::int64_t bytes, int ranks) {
    return sent_bytes_of(comm_case(operation, bytes, ranks));
  };
  EXPECT_EQ(sent("all_reduce", 8, 4), 8);
  EXPECT_EQ(sent("all_reduce", 11, 4), 8);
  EXPECT_EQ(sent("broadcast", 3, 4), 4) << "at least one element";
  EXPECT_EQ(sent("all_gather", 64, 4), 64);
  EXPECT_EQ(sent("all_gather", 100, 3), 96);
  EXPECT_EQ(sent("all_gather", 1001, 3), 996);
  EXPECT_EQ(sent("all_gather", 8, 4), 16) << "at least one element a rank";
}

TEST(CommFormulas, BusBandwidthIsThatOfNcclTests) {
  EXPECT_DOUBLE_EQ(bus_factor("all_gather", 4), 0.75);
  EXPECT_DOUBLE_EQ(bus_factor("all_reduce", 4), 1.5);
  EXPECT_DOUBLE_EQ(bus_factor("all_reduce", 2), 1);
  EXPECT_DOUBLE_EQ(bus_factor("broadcast", 4), 1);
  EXPECT_DOUBLE_EQ(bus_factor("reduce", 4), 1);
}

TEST(CommPattern, TheSumIsThatOfTheValues) {
  for (const int ranks : {1, 2, 101, 250}) {
    const CommPattern pattern(7);
    for (std::int64_t position = 0; position < 500; ++position) {
      double sum = 0;
      for (int rank = 0; rank < ranks; ++rank)
        sum += pattern.value(rank, position);
      ASSERT_EQ(pattern.sum(ranks, position), sum) << ranks << " ranks at " << position;
    }
  }
  EXPECT_LT(CommPattern(1).sum(20000, 0), 1 << 24) << "exact in float32";
}

// How often two ranks, rounds or neighbouring places have the same value.
TEST(CommPattern, ValuesDifferByRankPositionAndRound) {
  const CommPattern one(1), two(2);
  int by_rank = 0, by_round = 0, by_place = 0;
  for (std::int64_t i = 0; i < 1000; ++i) {
    by_rank += one.value(3, i) == one.value(4, i);
    by_round += one.value(3, i) == two.value(3, i);
    by_place += one.value(3, i) == one.value(3, i + 1);
  }
  EXPECT_EQ(by_rank, 0);
  EXPECT_LT(by_round, 60);
  EXPECT_LT(by_place, 60);
}

TEST(CommPattern, SwappedPartsAreSeen) {
  const CommPattern pattern(5);
  at::Tensor all = at::empty({3 * 64}, at::kFloat);
  for (int rank = 0; rank < 3; ++rank) {
    at::Tensor part = all.narrow(0, rank * 64, 64);
    pattern.fill(rank, part);
  }
  EXPECT_EQ(wrong_parts(pattern, all, 3), "");
  const at::Tensor first = all.narrow(0, 0, 64).clone();
  all.narrow(0, 0, 64).copy_(all.narrow(0, 64, 64));
  all.narrow(0, 64, 64).copy_(first);
  EXPECT_THAT(wrong_parts(pattern, all, 3), StartsWith("in the part of rank 0, element 0"));
}

} // namespace
} // namespace peakbench::suite
