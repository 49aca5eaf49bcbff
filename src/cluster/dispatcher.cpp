#include "cluster/dispatcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <thread>

#include "base/deadline.h"
#include "base/error.h"
#include "cluster/session_state.h"
#include "cluster/work_queue.h"

// Ranks other than 0 ask with an empty message and get the number of an item, or kNone, when there
// is one; they say kFinishTag and wait for kEndTag. Rank 0 asks its own thread through `asks`.
namespace peakbench::cluster {

namespace {
constexpr int kAskTag = 1, kItemTag = 2, kFinishTag = 3, kEndTag = 4;
constexpr std::int64_t kNone = -1;
constexpr auto kShortestPause = std::chrono::microseconds(20);
constexpr auto kLongestPause = std::chrono::microseconds(1000);
constexpr auto kLook = std::chrono::milliseconds(5); // of rank 0, whether the run is stopped
// Who was told to wait may be better off later though nothing happened: others are late.
constexpr double kThinkAgainSeconds = 0.1;
} // namespace

struct Dispatcher::State {
  State(const Session::State& session, std::span<const WorkItem> items)
      : comm(Communicator::duplicate_of(session.world.get())), rank(session.rank),
        size(session.size), queue(items, session.size),
        peers(static_cast<std::size_t>(session.size)) {}

  Communicator comm;
  int rank, size;
  // Of the other ranks: the answer that they wait for.
  std::int64_t answer = kNone;
  MPI_Request answering = MPI_REQUEST_NULL;
  // Of rank 0.
  struct Peer {
    bool asks = false, told_none = false, finished = false, lost = false;
    bool away() const { return finished || lost; }
  };
  std::mutex mutex; // guards all that follows
  std::condition_variable changed;
  WorkQueue queue;
  std::vector<Peer> peers;
  std::optional<std::int64_t> own; // the answer for rank 0 itself
  std::thread thread;
  std::atomic<bool> abandoned{false};
  Deadline clock;
  bool news = false; // since answer_all
  double thought_at = 0;

  void send(int to, int tag, const std::int64_t* item) const;
  bool receive_one();
  void reply(int to, std::int64_t item);
  void answer_all();
  void finished(std::size_t peer);
  bool all_away() const;
  void serve();
  void run();
};

void Dispatcher::State::send(int to, int tag, const std::int64_t* item) const {
  MPI_Request request = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(MPI_Isend(item, item ? 1 : 0, MPI_INT64_T, to, tag, comm.get(), &request));
  wait_for(request);
}

void Dispatcher::State::finished(std::size_t peer) {
  peers[peer].finished = true;
  peers[peer].asks = false;
  news = true;
  if (!peers[peer].told_none)
    queue.close();
}

// With the mutex held, as all that follow.
bool Dispatcher::State::receive_one() {
  int waiting = 0;
  MPI_Status status{};
  PEAKBENCH_MPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm.get(), &waiting, &status));
  if (!waiting)
    return false;
  PEAKBENCH_MPI(MPI_Recv(nullptr, 0, MPI_INT64_T, status.MPI_SOURCE, status.MPI_TAG, comm.get(),
                         MPI_STATUS_IGNORE));
  const auto peer = static_cast<std::size_t>(status.MPI_SOURCE);
  if (status.MPI_TAG == kAskTag)
    peers[peer].asks = true;
  else
    finished(peer);
  return true;
}

void Dispatcher::State::reply(int to, std::int64_t item) {
  if (to != 0) {
    send(to, kItemTag, &item);
    return;
  }
  own = item;
  changed.notify_all();
}

void Dispatcher::State::answer_all() {
  thought_at = clock.elapsed_seconds();
  news = false;
  for (int to = 0; to < size; ++to) {
    Peer& peer = peers[static_cast<std::size_t>(to)];
    if (!peer.asks)
      continue;
    const WorkQueue::Answer found = queue.next(to, thought_at);
    if (found.verdict == WorkQueue::Verdict::later)
      continue;
    peer.asks = false;
    peer.told_none = found.verdict == WorkQueue::Verdict::none;
    reply(to, peer.told_none ? kNone : static_cast<std::int64_t>(found.item));
  }
}

bool Dispatcher::State::all_away() const {
  return std::ranges::all_of(peers, [](const Peer& peer) { return peer.away(); });
}

void Dispatcher::State::serve() {
  auto pause = kShortestPause;
  std::unique_lock lock(mutex);
  while (!abandoned && !all_away()) {
    if (receive_one())
      news = true;
    if (news || clock.elapsed_seconds() - thought_at > kThinkAgainSeconds) {
      answer_all();
      pause = kShortestPause;
    }
    changed.wait_for(lock, pause, [&] { return news || abandoned.load(); });
    pause = std::min(pause * 2, kLongestPause);
  }
  for (int to = 1; to < size && !abandoned; ++to)
    if (!peers[static_cast<std::size_t>(to)].lost)
      send(to, kEndTag, nullptr);
}

void Dispatcher::State::run() {
  try {
    serve();
  } catch (const std::exception& broken) {
    // Nobody would get an answer any more.
    std::fputs(fmt::format("peakbench: {}\n", broken.what()).c_str(), stderr);
    MPI_Abort(comm.get(), kExitUserError);
  }
}

Dispatcher::Dispatcher(const Session& session, std::span<const WorkItem> items)
    : state_(std::make_unique<State>(session.state(), items)) {
  if (session.rank() == 0)
    state_->thread = std::thread([state = state_.get()] { state->run(); });
}

Dispatcher::~Dispatcher() {
  // What follows is for ranks that have not finished: something went wrong, and the whole job is
  // about to be aborted.
  if (state_->answering != MPI_REQUEST_NULL) {
    PEAKBENCH_MPI_NOEXCEPT(MPI_Cancel(&state_->answering));
    PEAKBENCH_MPI_NOEXCEPT(MPI_Wait(&state_->answering, MPI_STATUS_IGNORE));
  }
  if (!state_->thread.joinable())
    return;
  state_->abandoned = true;
  state_->changed.notify_all();
  state_->thread.join();
}

std::optional<std::size_t> Dispatcher::next(const std::function<bool()>& stopped) {
  State& state = *state_;
  std::int64_t item = kNone;
  if (state.rank == 0) {
    std::unique_lock lock(state.mutex);
    state.own.reset();
    state.peers[0].asks = state.news = true;
    state.changed.notify_all();
    while (!state.changed.wait_for(lock, kLook, [&] { return state.own.has_value(); }))
      if (stopped()) {
        state.peers[0].asks = false;
        return std::nullopt;
      }
    item = *state.own;
  } else {
    state.send(0, kAskTag, nullptr);
    PEAKBENCH_MPI(
        MPI_Irecv(&state.answer, 1, MPI_INT64_T, 0, kItemTag, state.comm.get(), &state.answering));
    if (!wait_for(state.answering, stopped))
      return std::nullopt; // finish() takes the answer that may be on its way
    item = state.answer;
  }
  return item == kNone ? std::nullopt : std::optional(static_cast<std::size_t>(item));
}

void Dispatcher::forget(int rank) {
  const std::lock_guard lock(state_->mutex);
  state_->queue.forget(rank);
  State::Peer& peer = state_->peers.at(static_cast<std::size_t>(rank));
  peer.lost = true;
  peer.asks = false;
  state_->news = true;
  state_->changed.notify_all();
}

void Dispatcher::finish() {
  State& state = *state_;
  if (state.rank == 0) {
    {
      const std::lock_guard lock(state.mutex);
      state.finished(0);
    }
    state.changed.notify_all();
    if (state.thread.joinable())
      state.thread.join();
    return;
  }
  state.send(0, kFinishTag, nullptr);
  MPI_Request ended = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(MPI_Irecv(nullptr, 0, MPI_INT64_T, 0, kEndTag, state.comm.get(), &ended));
  wait_for(ended);
  if (state.answering == MPI_REQUEST_NULL)
    return;
  // Messages between two ranks do not overtake each other: an answer would be here by now.
  int answered = 0;
  PEAKBENCH_MPI(MPI_Test(&state.answering, &answered, MPI_STATUS_IGNORE));
  if (answered)
    return;
  PEAKBENCH_MPI(MPI_Cancel(&state.answering));
  wait_for(state.answering);
}

} // namespace peakbench::cluster
