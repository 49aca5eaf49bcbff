// The columns of /comm/cases, /scaling/cases and /ranks.
#include "results/fields.h"
#include "results/member_access.h"

namespace peakbench::results {

namespace {

template <auto... Path>
constexpr auto comm_member = &member_of<CommCase, Path...>;
template <auto... Path>
constexpr auto scaling_member = &member_of<ScalingCase, Path...>;
template <auto... Path>
constexpr auto rank_member = &member_of<RankRow, Path...>;
using Comm = CommCase;
using Scaling = ScalingCase;
using Rank = RankRow;
constexpr Role kId = Role::id;
constexpr Role kIndependent = Role::independent;
constexpr Role kMeasured = Role::measured;

constexpr Field<Comm> kCommFields[] = {
    {"case_id", "", "hash of the independent variables", kId, comm_member<&Comm::case_id>},
    {"operation", "", "all_gather | all_reduce | broadcast | reduce", kIndependent,
     comm_member<&Comm::operation>},
    {"backend", "", "auto | mpi | nccl, as configured", kIndependent, comm_member<&Comm::backend>},
    {"message_bytes", "bytes",
     "size as nccl-tests counts it: of the whole result (all_gather), else of one rank's buffer",
     kIndependent, comm_member<&Comm::message_bytes>},
    {"ranks", "1", "ranks that take part", kIndependent, comm_member<&Comm::ranks>},

    {"status", "", "ok | failed | out_of_memory | timed_out | skipped", kMeasured,
     comm_member<&Comm::status>},
    {"reason", "", "why it is not ok", kMeasured, comm_member<&Comm::reason>},
    {"validity", "", "VALID, or INVALID: why (every rank's result is checked)", kMeasured,
     comm_member<&Comm::validity>},
    {"transport", "", "mpi (host memory) | nccl (device memory)", kMeasured,
     comm_member<&Comm::transport>},
    {"hosts", "1", "hosts of the ranks that take part", kMeasured, comm_member<&Comm::hosts>},
    {"sent_bytes", "bytes",
     "size that was measured: message_bytes rounded down to whole elements (float32) and, for "
     "all_gather, to equal parts; at least one element a rank",
     kMeasured, comm_member<&Comm::sent_bytes>},
    {"seconds", "seconds", "median time of one operation, of the slowest rank", kMeasured,
     comm_member<&Comm::seconds>},
    {"seconds_lower", "seconds", "lower end of the median's 95 % interval", kMeasured,
     comm_member<&Comm::seconds_lower>},
    {"seconds_upper", "seconds", "upper end of the median's 95 % interval", kMeasured,
     comm_member<&Comm::seconds_upper>},
    {"algorithm_bandwidth", "bytes/s", "sent_bytes / seconds", kMeasured,
     comm_member<&Comm::algorithm_bandwidth>},
    {"bus_bandwidth", "bytes/s",
     "algorithm_bandwidth x (n-1)/n (all_gather), x 2(n-1)/n (all_reduce), x 1 (broadcast, "
     "reduce): nccl-tests, doc/PERFORMANCE.md",
     kMeasured, comm_member<&Comm::bus_bandwidth>},
    {"repeats", "1", "measured repeats", kMeasured, comm_member<&Comm::repeats>},
    {"stop_reason", "", "why no more repeats were done", kMeasured,
     comm_member<&Comm::stop_reason>},

    {"rank", "1", "MPI rank that wrote the case", kMeasured, comm_member<&Comm::rank>},
    {"host", "", "its host", kMeasured, comm_member<&Comm::host>},
    {"device", "", "its device", kMeasured, comm_member<&Comm::device>},
    {"environment", "1", "row of /environment (from 0) of that rank", kMeasured,
     comm_member<&Comm::environment>},
    {"source", "1", kSourceDescription, kMeasured, comm_member<&Comm::source>},
};
static_assert(std::size(kCommFields) == member_count<CommCase>(),
              "a member of CommCase is missing in the list");

constexpr Field<Scaling> kScalingFields[] = {
    {"case_id", "", "hash of the independent variables", kId, scaling_member<&Scaling::case_id>},
    {"mode", "",
     "strong: the same cases whatever the ranks; weak: as many times these cases as ranks",
     kIndependent, scaling_member<&Scaling::mode>},
    {"share", "", "static | dynamic", kIndependent, scaling_member<&Scaling::share>},
    {"ranks", "1", "ranks that work", kIndependent, scaling_member<&Scaling::ranks>},
    {"workload", "", "hash of the cases that one rank does in weak mode", kIndependent,
     scaling_member<&Scaling::workload>},
    {"isolate", "", "process: cases run in a process of their own beside the rank; none",
     kIndependent, scaling_member<&Scaling::isolate>},

    {"status", "", "ok | failed | out_of_memory | timed_out | skipped", kMeasured,
     scaling_member<&Scaling::status>},
    {"reason", "", "why it is not ok", kMeasured, scaling_member<&Scaling::reason>},
    {"validity", "", "VALID, or INVALID: why (every case exactly once)", kMeasured,
     scaling_member<&Scaling::validity>},
    {"cases", "1", "cases done in one repeat", kMeasured, scaling_member<&Scaling::cases>},
    {"seconds", "seconds", "median time from the first case handed out to the last one stored",
     kMeasured, scaling_member<&Scaling::seconds>},
    {"seconds_lower", "seconds", "lower end of the median's 95 % interval", kMeasured,
     scaling_member<&Scaling::seconds_lower>},
    {"seconds_upper", "seconds", "upper end of the median's 95 % interval", kMeasured,
     scaling_member<&Scaling::seconds_upper>},
    {"cases_per_second", "1/s", "cases / seconds", kMeasured,
     scaling_member<&Scaling::cases_per_second>},
    {"busy_seconds", "seconds", "in cases, all ranks together", kMeasured,
     scaling_member<&Scaling::busy_seconds>},
    {"idle_seconds", "seconds", "waiting for cases and for the others, all ranks together",
     kMeasured, scaling_member<&Scaling::idle_seconds>},
    {"load_seconds", "seconds", "of busy_seconds, loading models", kMeasured,
     scaling_member<&Scaling::load_seconds>},
    {"repeats", "1", "measured repeats", kMeasured, scaling_member<&Scaling::repeats>},
    {"stop_reason", "", "why no more repeats were done", kMeasured,
     scaling_member<&Scaling::stop_reason>},

    {"rank", "1", "MPI rank that wrote the case", kMeasured, scaling_member<&Scaling::rank>},
    {"host", "", "its host", kMeasured, scaling_member<&Scaling::host>},
    {"device", "", "its device", kMeasured, scaling_member<&Scaling::device>},
    {"environment", "1", "row of /environment (from 0) of that rank", kMeasured,
     scaling_member<&Scaling::environment>},
    {"source", "1", kSourceDescription, kMeasured, scaling_member<&Scaling::source>},
};
static_assert(std::size(kScalingFields) == member_count<ScalingCase>(),
              "a member of ScalingCase is missing in the list");

constexpr Field<Rank> kRankFields[] = {
    {"launch", "1", "number of the launch of the program on this file, from 0", kId,
     rank_member<&Rank::launch>},
    {"rank", "1", "MPI rank", kId, rank_member<&Rank::rank>},
    {"ranks", "1", "number of MPI ranks", kMeasured, rank_member<&Rank::ranks>},
    {"started", "", "when the launch began (UTC)", kMeasured, rank_member<&Rank::started>},
    {"host", "", "name of the host", kMeasured, rank_member<&Rank::host>},
    {"share", "", "static | dynamic", kMeasured, rank_member<&Rank::share>},
    {"gather", "", "mpi | nccl", kMeasured, rank_member<&Rank::gather>},
    {"isolate", "", "process | none", kMeasured, rank_member<&Rank::isolate>},
    {"part", "", "which part of the plan the launch was for, as i/n; absent: all of it", kMeasured,
     rank_member<&Rank::part>},
    {"ended", "",
     "done | interrupted: a signal ended the launch early | lost: the rank gave no sign of life "
     "any "
     "more, what it did not tell before is absent",
     kMeasured, rank_member<&Rank::ended>},
    {"environment", "1", "row of /environment (from 0) of the rank", kMeasured,
     rank_member<&Rank::environment>},
    {"cases", "1", "cases that it did", kMeasured, rank_member<&Rank::cases>},
    {"restarts", "1", "how often its cases' process ended and was started again", kMeasured,
     rank_member<&Rank::restarts>},
    {"start_seconds", "seconds", "until the process for its cases was ready", kMeasured,
     rank_member<&Rank::start_seconds>},
    {"seconds", "seconds", "from then until the last case of all was stored", kMeasured,
     rank_member<&Rank::seconds>},
    {"busy_seconds", "seconds", "in cases", kMeasured, rank_member<&Rank::busy_seconds>},
    {"idle_seconds", "seconds", "waiting for cases and for the others", kMeasured,
     rank_member<&Rank::idle_seconds>},
    {"load_seconds", "seconds", "of busy_seconds, loading models", kMeasured,
     rank_member<&Rank::load_seconds>},
    {"gathered_bytes", "bytes", "records and traces that it sent to rank 0", kMeasured,
     rank_member<&Rank::gathered_bytes>},
    {"gathering_seconds", "seconds", "time of sending them", kMeasured,
     rank_member<&Rank::gathering_seconds>},
    {"source", "1", kSourceDescription, kMeasured, rank_member<&Rank::source>},
};
static_assert(std::size(kRankFields) == member_count<RankRow>(),
              "a member of RankRow is missing in the list");

} // namespace

template <>
std::span<const Field<CommCase>> fields<CommCase>() {
  return kCommFields;
}
template <>
std::span<const Field<ScalingCase>> fields<ScalingCase>() {
  return kScalingFields;
}
template <>
std::span<const Field<RankRow>> fields<RankRow>() {
  return kRankFields;
}

} // namespace peakbench::results
