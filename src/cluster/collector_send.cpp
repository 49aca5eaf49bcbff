// The thread of every rank but 0.
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/stopwatch.h"
#include "cluster/collector_state.h"

namespace peakbench::cluster {

using namespace collecting;

namespace {
constexpr double kPatience = 5; // with rank 0, against other ranks' lost_after_seconds
}

void Collector::State::send_parcel(const Parcel& parcel) {
  const Stopwatch clock(messages.seconds);
  const Announcement announced{parcel.message.size(), parcel.tensor_values};
  MPI_Request request = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(MPI_Isend(&announced, 2, MPI_UINT64_T, 0, kSizeTag, comm.get(), &request));
  wait_for_rank_zero(request);
  for (std::size_t at = 0; at < parcel.message.size(); at += kPieceBytes) {
    const int count = static_cast<int>(std::min(kPieceBytes, parcel.message.size() - at));
    PEAKBENCH_MPI(
        MPI_Isend(parcel.message.data() + at, count, MPI_BYTE, 0, kDataTag, comm.get(), &request));
    wait_for_rank_zero(request);
  }
  messages.bytes += static_cast<std::int64_t>(parcel.message.size());
}

bool Collector::State::listen(bool& ended) {
  int waiting = 0;
  MPI_Status status{};
  PEAKBENCH_MPI(MPI_Iprobe(0, MPI_ANY_TAG, comm.get(), &waiting, &status));
  if (!waiting)
    return false;
  PEAKBENCH_MPI(MPI_Recv(nullptr, 0, MPI_BYTE, 0, status.MPI_TAG, comm.get(), MPI_STATUS_IGNORE));
  silent_seconds = 0;
  if (status.MPI_TAG == kStopTag)
    stop = true;
  if (status.MPI_TAG == kTakenTag)
    ++taken;
  if (status.MPI_TAG == kEndWithLossTag)
    loss = true;
  ended = status.MPI_TAG == kEndTag || status.MPI_TAG == kEndWithLossTag;
  return true;
}

void Collector::State::give_sign() {
  const Announcement sign{doing, 0};
  if (sign.message_bytes == doing_told && seconds_since(told_at) < beat_seconds)
    return;
  MPI_Request request = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(MPI_Isend(&sign, 2, MPI_UINT64_T, 0, kLifeTag, comm.get(), &request));
  wait_for_rank_zero(request);
  doing_told = sign.message_bytes;
  told_at = Clock::now();
}

// Without rank 0 nothing can be written, and no end be found. A slow disk holds it up too, hence
// the patience.
void Collector::State::miss_rank_zero(double seconds) {
  silent_seconds += std::min(seconds, kLongestLook);
  if (silent_seconds > kPatience * watch.lost_after_seconds)
    throw std::runtime_error(fmt::format(
        "rank 0 has given no sign of life for {:g} s (seen from rank {}) what was not written yet "
        "is in the ranks' spool files: run the same command again",
        silent_seconds, rank));
}

// A long message ends when rank 0 takes it.
void Collector::State::wait_for_rank_zero(MPI_Request& request) {
  Clock::time_point looked = Clock::now();
  for (int done = 0;;) {
    PEAKBENCH_MPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    if (done)
      return;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    miss_rank_zero(seconds_since(looked));
    looked = Clock::now();
  }
}

void Collector::State::deliver() {
  bool ended = false;
  Clock::time_point looked = Clock::now();
  for (Parcel parcel; !ended && !abandoned;) {
    bool worked = listen(ended);
    if (pop(parcel)) {
      send_parcel(parcel);
      worked = true;
    }
    if (stop_asked && !stop_told) {
      signal(0, kStopTag);
      stop_told = true;
    }
    if (worked) {
      looked = Clock::now();
      continue;
    }
    give_sign();
    miss_rank_zero(seconds_since(looked));
    looked = Clock::now();
    // request_stop() comes before finish(), so a stop seen after the queue was closed goes out
    // first.
    if (nothing_left() && stop_asked == stop_told && !done_told) {
      signal(0, kDoneTag);
      done_told = true;
    }
    pause();
  }
}

} // namespace peakbench::cluster
