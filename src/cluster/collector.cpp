#include "cluster/collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/stopwatch.h"
#include "cluster/session_state.h"

// Every rank has one thread that alone uses the collector's communicator. On rank 0 it receives and
// calls the sink; elsewhere it sends what is queued and listens for `stop` and `end`. A message is
// its Announcement (kSizeTag) followed by its bytes (kDataTag); MPI keeps the order between two
// ranks. A tensor goes through the channel, from the thread that gave it to the thread that
// receives messages, in the order of their announcements. A sign of life (kLifeTag) says what its
// rank is doing.
namespace peakbench::cluster {

namespace {
constexpr int kSizeTag = 1, kDataTag = 2, kDoneTag = 3, kStopTag = 4, kEndTag = 5, kLifeTag = 6,
              kTakenTag = 7, kEndWithLossTag = 8;
constexpr auto kPoll = std::chrono::milliseconds(2);
constexpr double kLongestBeat = 5, kBeatsBeforeLost = 4; // seconds, signs of life
constexpr double kLongestLook = 0.1; // seconds that one look around counts for, at most

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Announcement {
  std::uint64_t message_bytes = 0, tensor_values = 0;
};

struct Parcel {
  std::string message;
  std::uint64_t tensor_values = 0;
  std::vector<double> tensor; // rank 0's own
};

// A rank as rank 0 sees it.
struct Peer {
  std::uint64_t doing = 0;
  Clock::time_point since = Clock::now();
  double silent_seconds = 0;
  bool done = false, lost = false;
  RankSign sign() const { return {doing, seconds_since(since), lost}; }
};
} // namespace

struct Collector::State {
  State(const Session::State& session, TensorSink tensor_sink, TensorChannel* tensor_channel,
        CollectorWatch signs)
      : comm(Communicator::duplicate_of(session.world.get())), rank(session.rank),
        size(session.size), sink(std::move(tensor_sink)), channel(tensor_channel),
        watch(std::move(signs)),
        beat_seconds(std::min(kLongestBeat, watch.lost_after_seconds / kBeatsBeforeLost)),
        peers(rank == 0 ? static_cast<std::size_t>(size) : 0) {}

  Communicator comm;
  int rank, size;
  TensorSink sink;
  TensorChannel* channel;
  Traffic messages, tensors; // sent by the thread, and by whoever calls send()
  CollectorWatch watch;
  double beat_seconds;
  std::vector<Peer> peers; // on rank 0
  std::thread thread;
  std::mutex mutex; // guards queue, closing, error
  std::condition_variable changed;
  std::deque<Parcel> queue;
  bool closing = false;
  std::exception_ptr error;
  std::atomic<bool> stop{false};       // known on this rank
  std::atomic<bool> stop_asked{false}; // to be told to the others
  std::atomic<bool> abandoned{false};
  std::atomic<std::uint64_t> doing{0};
  std::atomic<std::size_t> taken{0};
  std::atomic<bool> loss{false};
  std::uint64_t doing_told = 0;
  Clock::time_point told_at = Clock::now(), shown_at = Clock::now();
  std::deque<Parcel> unfinished; // of lost ranks, which MPI may still write to
  bool stop_told = false, done_told = false;

  bool pop(Parcel& parcel);
  bool nothing_left();
  void pause();
  void fail(std::exception_ptr what);
  void hand_over(int from, const Parcel& parcel);
  void send_parcel(const Parcel& parcel);
  void receive_parcel(int from, const Announcement& announced);
  bool receive_tensor(std::vector<double>& tensor, int from);
  void signal(int to, int tag);
  void tell_all(int tag);
  bool receive_one();
  bool receive_message(std::string& message, int from);
  void listened(int from, double seconds);
  void look_around(double seconds);
  void note(int from, std::uint64_t what);
  bool all_done() const;
  void give_sign();
  bool listen(bool& ended);
  void collect();
  void deliver();
  void run();
};

bool Collector::State::pop(Parcel& parcel) {
  const std::lock_guard lock(mutex);
  if (queue.empty())
    return false;
  parcel = std::move(queue.front());
  queue.pop_front();
  return true;
}

bool Collector::State::nothing_left() {
  const std::lock_guard lock(mutex);
  return closing && queue.empty();
}

void Collector::State::pause() {
  std::unique_lock lock(mutex);
  if (queue.empty())
    changed.wait_for(lock, kPoll);
}

void Collector::State::fail(std::exception_ptr what) {
  {
    const std::lock_guard lock(mutex);
    if (!error)
      error = what;
  }
  stop = true;
  stop_asked = true;
}

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

void Collector::State::signal(int to, int tag) {
  MPI_Request request = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(MPI_Isend(nullptr, 0, MPI_BYTE, to, tag, comm.get(), &request));
  wait_for(request);
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

void Collector::State::send_parcel(const Parcel& parcel) {
  const Stopwatch clock(messages.seconds);
  const Announcement announced{parcel.message.size(), parcel.tensor_values};
  MPI_Request request = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(MPI_Isend(&announced, 2, MPI_UINT64_T, 0, kSizeTag, comm.get(), &request));
  wait_for(request);
  send_bytes(parcel.message, 0, kDataTag, comm.get());
  messages.bytes += static_cast<std::int64_t>(parcel.message.size());
}

bool Collector::State::receive_one() {
  int waiting = 0;
  MPI_Status status{};
  PEAKBENCH_MPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm.get(), &waiting, &status));
  if (!waiting)
    return false;
  const int from = status.MPI_SOURCE, tag = status.MPI_TAG;
  std::uint64_t words[2] = {0, 0}; // an Announcement, what the rank is doing, or nothing
  PEAKBENCH_MPI(MPI_Recv(words, 2, MPI_UINT64_T, from, tag, comm.get(), MPI_STATUS_IGNORE));
  Peer& peer = peers[static_cast<std::size_t>(from)];
  peer.silent_seconds = 0;
  if (tag == kDoneTag)
    peer.done = true;
  if (tag == kStopTag)
    stop = stop_asked = true;
  if (tag == kLifeTag)
    note(from, words[0]);
  if (tag == kSizeTag)
    receive_parcel(from, {words[0], words[1]});
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

bool Collector::State::listen(bool& ended) {
  int waiting = 0;
  MPI_Status status{};
  PEAKBENCH_MPI(MPI_Iprobe(0, MPI_ANY_TAG, comm.get(), &waiting, &status));
  if (!waiting)
    return false;
  PEAKBENCH_MPI(MPI_Recv(nullptr, 0, MPI_BYTE, 0, status.MPI_TAG, comm.get(), MPI_STATUS_IGNORE));
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
  const std::uint64_t what = doing;
  if (what == doing_told && seconds_since(told_at) < beat_seconds)
    return;
  MPI_Request request = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(MPI_Isend(&what, 1, MPI_UINT64_T, 0, kLifeTag, comm.get(), &request));
  wait_for(request);
  doing_told = what;
  told_at = Clock::now();
}

void Collector::State::deliver() {
  bool ended = false;
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
    if (worked)
      continue;
    give_sign();
    // request_stop() comes before finish(), so a stop seen after the queue was closed goes out
    // first.
    if (nothing_left() && stop_asked == stop_told && !done_told) {
      signal(0, kDoneTag);
      done_told = true;
    }
    pause();
  }
}

void Collector::State::run() {
  try {
    rank == 0 ? collect() : deliver();
  } catch (const std::exception& broken) {
    // Without transport no rank can be told anything any more.
    std::fputs(fmt::format("peakbench: {}\n", broken.what()).c_str(), stderr);
    MPI_Abort(comm.get(), kExitUserError);
  }
}

Collector::Collector(const Session& session, Sink sink, CollectorWatch watch)
    : state_(std::make_unique<State>(
          session.state(),
          [sink = std::move(sink)](int from, const std::string& message,
                                   const std::vector<double>&) { sink(from, message); },
          nullptr, std::move(watch))) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

Collector::Collector(const Session& session, TensorSink sink, TensorChannel& channel,
                     CollectorWatch watch)
    : state_(
          std::make_unique<State>(session.state(), std::move(sink), &channel, std::move(watch))) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

Collector::~Collector() {
  if (!state_->thread.joinable())
    return;
  // Not finished: something went wrong on this rank, and the whole job is about to be aborted.
  state_->abandoned = true;
  state_->changed.notify_all();
  state_->thread.join();
}

void Collector::send(std::string message) { send(std::move(message), at::Tensor()); }

void Collector::send(std::string message, const at::Tensor& tensor) {
  Parcel parcel{std::move(message), 0, {}};
  const bool travels = tensor.defined() && tensor.numel() > 0 && state_->rank != 0;
  if (tensor.defined() && !state_->channel)
    throw std::logic_error("a collector without a channel was given a tensor");
  if (travels)
    parcel.tensor_values = static_cast<std::uint64_t>(tensor.numel());
  else if (tensor.defined())
    parcel.tensor = values_of(tensor);
  {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(parcel));
  }
  state_->changed.notify_all();
  if (travels) {
    const Stopwatch clock(state_->tensors.seconds);
    state_->channel->send(tensor);
    state_->tensors.bytes += tensor.numel() * std::int64_t{sizeof(double)};
  }
}

Traffic Collector::sent() const {
  return {state_->messages.bytes + state_->tensors.bytes,
          state_->messages.seconds + state_->tensors.seconds};
}

void Collector::request_stop() {
  state_->stop = true;
  state_->stop_asked = true;
}

bool Collector::stopped() const { return state_->stop; }
std::size_t Collector::taken() const { return state_->taken; }
void Collector::doing(std::uint64_t what) { state_->doing = what; }
bool Collector::anyone_lost() const { return state_->loss; }

void Collector::finish() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->changed.notify_all();
  if (state_->thread.joinable())
    state_->thread.join();
  if (state_->error)
    std::rethrow_exception(std::exchange(state_->error, nullptr));
}

} // namespace peakbench::cluster
