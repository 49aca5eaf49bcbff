// The columns of samples, /environment and /sources.
#include "results/fields.h"
#include "results/member_access.h"

namespace peakbench::results {

namespace {

template <auto... Path>
constexpr auto repeat_member = &member_of<RepeatRow, Path...>;
template <auto... Path>
constexpr auto rank_member = &member_of<EnvironmentRow, Path...>;
template <auto... Path>
constexpr auto source_member = &member_of<SourceRow, Path...>;
using Repeat = RepeatRow;
using Rank = EnvironmentRow;
using Source = SourceRow;
constexpr Role kId = Role::id;
constexpr Role kMeasured = Role::measured;

constexpr Field<Repeat> kRepeatFields[] = {
    {"case_id", "", "the case that was repeated", kId, repeat_member<&Repeat::case_id>},
    {"repeat", "1", "number of the repeat, from 0", kId, repeat_member<&Repeat::repeat>},
    {"seconds", "seconds", "wall time of the repeat", kMeasured, repeat_member<&Repeat::seconds>},
    {"peak_bytes", "bytes",
     "greatest live memory since the start of the repeat, less what was "
     "live at its start",
     kMeasured, repeat_member<&Repeat::peak_bytes>},
    {"resident_peak_bytes", "bytes", "greatest resident set of the process (VmHWM)", kMeasured,
     repeat_member<&Repeat::resident_peak_bytes>},
    {"device_used_bytes", "bytes", "in use on the whole device by everybody after the repeat",
     kMeasured, repeat_member<&Repeat::device_used_bytes>},
    {"source", "1", kSourceDescription, kMeasured, repeat_member<&Repeat::source>},
};
static_assert(std::size(kRepeatFields) == member_count<RepeatRow>(),
              "a member of RepeatRow is missing in the list");

constexpr Field<Rank> kEnvironmentFields[] = {
    {"rank", "1", "MPI rank", kId, rank_member<&Rank::rank>},
    {"ranks", "1", "number of MPI ranks", kMeasured, rank_member<&Rank::ranks>},
    {"local_rank", "1", "rank among those of the host", kMeasured, rank_member<&Rank::local_rank>},
    {"threads", "1", "threads of the rank", kMeasured, rank_member<&Rank::threads>},
    {"host", "", "name of the host", kMeasured, rank_member<&Rank::host>},
    {"device", "", "device of the rank", kMeasured, rank_member<&Rank::device>},
    {"device_name", "", "model of the device", kMeasured, rank_member<&Rank::device_name>},
    {"driver", "", "driver of the device", kMeasured, rank_member<&Rank::driver>},
    {"device_memory_bytes", "bytes", "memory of the device", kMeasured,
     rank_member<&Rank::device_memory_bytes>},
    {"cpu", "", "model of the processor", kMeasured, rank_member<&Rank::cpu>},
    {"peakbench_version", "", "version of this suite", kMeasured,
     rank_member<&Rank::peakbench_version>},
    {"git_revision", "", "revision it was built from", kMeasured, rank_member<&Rank::git_revision>},
    {"compiler", "", "compiler it was built with", kMeasured, rank_member<&Rank::compiler>},
    {"torch", "", "version of LibTorch", kMeasured, rank_member<&Rank::torch>},
    {"mpi", "", "version of MPI", kMeasured, rank_member<&Rank::mpi>},
    {"hdf5", "", "version of HDF5", kMeasured, rank_member<&Rank::hdf5>},
    {"cuda", "", "version of CUDA", kMeasured, rank_member<&Rank::cuda>},
    {"nccl", "", "version of NCCL", kMeasured, rank_member<&Rank::nccl>},
    {"variables", "", "environment variables of an allow-list, NAME=value lines", kMeasured,
     rank_member<&Rank::variables>},
};
static_assert(std::size(kEnvironmentFields) == member_count<EnvironmentRow>(),
              "a member of EnvironmentRow is missing in the list");

constexpr Field<Source> kSourceFields[] = {
    {"path", "", "name of the file as it was given", kId, source_member<&Source::path>},
    {"name", "", "name of its configuration", kMeasured, source_member<&Source::name>},
    {"created", "", "when it was begun (UTC)", kMeasured, source_member<&Source::created>},
    {"command_line", "", "command that began it", kMeasured, source_member<&Source::command_line>},
    {"plan_hash", "", "its plan", kMeasured, source_member<&Source::plan_hash>},
    {"peakbench_version", "", "version of this suite that wrote it", kMeasured,
     source_member<&Source::peakbench_version>},
    {"git_revision", "", "revision of that version", kMeasured,
     source_member<&Source::git_revision>},
    {"git_dirty", "", "1: there were uncommitted changes", kMeasured,
     source_member<&Source::git_dirty>},
    {"cases", "1", "rows of cases that were measured into it", kMeasured,
     source_member<&Source::cases>},
    {"kept_cases", "1",
     "of these, rows here: others were there already, equal in everything, or not chosen",
     kMeasured, source_member<&Source::kept_cases>},
    {"selection", "",
     "conditions that a case had to fulfil to be taken (--where); empty: all were taken", kMeasured,
     source_member<&Source::selection>},
};
static_assert(std::size(kSourceFields) == member_count<SourceRow>(),
              "a member of SourceRow is missing in the list");

} // namespace

template <>
std::span<const Field<RepeatRow>> fields<RepeatRow>() {
  return kRepeatFields;
}
template <>
std::span<const Field<EnvironmentRow>> fields<EnvironmentRow>() {
  return kEnvironmentFields;
}

template <>
std::span<const Field<SourceRow>> fields<SourceRow>() {
  return kSourceFields;
}

} // namespace peakbench::results
