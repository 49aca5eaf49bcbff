// The thread of rank 0.
#include <algorithm>

#include "cluster/collector_state.h"

namespace peakbench::cluster {

using namespace collecting;

void Collector::State::hand_over(int from, const Parcel& parcel) {
  {
    const std::lock_guard lock(mutex);
    if (error)
      return; // go on receiving, so that no sender hangs
  }
  try {
    sink(from, parcel.message, parcel.tensor);
  } catch (...) {
    fail(std::current_exception());
    return;
  }
  if (from == 0)
    ++taken;
  else if (!peers[static_cast<std::size_t>(from)].lost)
    signal(from, kTakenTag);
}

void Collector::State::note(int from, std::uint64_t what) {
  Peer& peer = peers[static_cast<std::size_t>(from)];
  if (peer.doing != what)
    peer.since = Clock::now();
  peer.doing = what;
}

// Counts time in which a sign of life of this rank would have been heard.
void Collector::State::listened(int from, double seconds) {
  Peer& peer = peers[static_cast<std::size_t>(from)];
  peer.silent_seconds += std::min(seconds, kLongestLook);
  if (peer.lost || peer.silent_seconds <= watch.lost_after_seconds)
    return;
  peer.lost = loss = true;
  try {
    if (watch.lost)
      watch.lost(from, peer.sign());
  } catch (...) {
    fail(std::current_exception());
  }
}

void Collector::State::look_around(double seconds) {
  for (int from = 1; from < size; ++from)
    listened(from, seconds);
  note(0, doing);
  if (seconds_since(told_at) > beat_seconds) {
    told_at = Clock::now();
    tell_all(kHereTag);
  }
  if (!watch.every_second || seconds_since(shown_at) < 1)
    return;
  shown_at = Clock::now();
  std::vector<RankSign> signs;
  for (const Peer& peer : peers)
    signs.push_back(peer.sign());
  watch.every_second(signs);
}

bool Collector::State::all_done() const {
  for (std::size_t from = 1; from < peers.size(); ++from)
    if (!peers[from].done && !peers[from].lost)
      return false;
  return true;
}

void Collector::State::tell_all(int tag) {
  for (int to = 1; to < size; ++to)
    if (!peers[static_cast<std::size_t>(to)].lost)
      signal(to, tag);
}

// False if the rank was lost in the middle of it.
bool Collector::State::receive_message(std::string& message, int from) {
  Clock::time_point looked = Clock::now();
  for (std::size_t at = 0; at < message.size(); at += kPieceBytes) {
    const int count = static_cast<int>(std::min(kPieceBytes, message.size() - at));
    MPI_Request request = MPI_REQUEST_NULL;
    PEAKBENCH_MPI(
        MPI_Irecv(message.data() + at, count, MPI_BYTE, from, kDataTag, comm.get(), &request));
    for (int done = 0;;) {
      PEAKBENCH_MPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
      if (done)
        break;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      listened(from, seconds_since(looked));
      looked = Clock::now();
      if (peers[static_cast<std::size_t>(from)].lost)
        return false;
    }
  }
  return true;
}

// The same of a tensor.
bool Collector::State::receive_tensor(std::vector<double>& tensor, int from) {
  if (tensor.empty())
    return true;
  Clock::time_point looked = Clock::now();
  return channel->receive(from, tensor, [&] {
    listened(from, seconds_since(looked));
    looked = Clock::now();
    return peers[static_cast<std::size_t>(from)].lost;
  });
}

// A tensor is taken whatever becomes of it: its sender waits.
void Collector::State::receive_parcel(int from, const Announcement& announced) {
  Parcel& parcel = unfinished.emplace_back();
  parcel.message.resize(announced.message_bytes);
  parcel.tensor.resize(announced.tensor_values);
  if (!receive_message(parcel.message, from) || !receive_tensor(parcel.tensor, from))
    return;
  note(from, 0);
  hand_over(from, parcel);
  unfinished.pop_back();
}

bool Collector::State::receive_one() {
  int waiting = 0;
  MPI_Status status{};
  PEAKBENCH_MPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm.get(), &waiting, &status));
  if (!waiting)
    return false;
  const int from = status.MPI_SOURCE, tag = status.MPI_TAG;
  Announcement announced;
  PEAKBENCH_MPI(MPI_Recv(&announced, 2, MPI_UINT64_T, from, tag, comm.get(), MPI_STATUS_IGNORE));
  Peer& peer = peers[static_cast<std::size_t>(from)];
  peer.silent_seconds = 0;
  // One that was given up and lives after all hears nothing else of this rank. What it finishes is
  // taken as long as the others work; without an answer it would end the job for all.
  if (peer.lost)
    signal(from, kHereTag);
  if (tag == kDoneTag)
    peer.done = true;
  if (tag == kStopTag)
    stop = stop_asked = true;
  if (tag == kLifeTag)
    note(from, announced.message_bytes);
  if (tag == kSizeTag)
    receive_parcel(from, announced);
  return true;
}

void Collector::State::collect() {
  Clock::time_point looked = Clock::now();
  for (Parcel parcel; !abandoned;) {
    bool worked = receive_one();
    if (pop(parcel)) {
      hand_over(0, parcel);
      worked = true;
    }
    if (stop_asked && !stop_told) {
      tell_all(kStopTag);
      stop_told = true;
    }
    if (!worked)
      look_around(seconds_since(looked));
    looked = Clock::now();
    if (worked)
      continue;
    if (all_done() && nothing_left() && stop_asked == stop_told) {
      tell_all(loss ? kEndWithLossTag : kEndTag);
      return;
    }
    pause();
  }
}

} // namespace peakbench::cluster
