#include "cluster/collector.h"

#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "base/error.h"
#include "cluster/session_state.h"

// Every rank has one thread that alone uses the collector's communicator. On rank 0 it receives and
// calls the sink; elsewhere it sends what is queued and listens for `stop` and `end`. A message is
// its length (kSizeTag) followed by its bytes (kDataTag); MPI keeps the order between two ranks.
namespace peakbench::cluster {

namespace {
constexpr int kSizeTag = 1, kDataTag = 2, kDoneTag = 3, kStopTag = 4, kEndTag = 5;
constexpr auto kPoll = std::chrono::milliseconds(2);
} // namespace

struct Collector::State {
  State(const Session::State& session, std::function<void(int, const std::string&)> message_sink)
      : comm(Communicator::duplicate_of(session.world.get())), rank(session.rank),
        size(session.size), sink(std::move(message_sink)) {}

  Communicator comm;
  int rank, size;
  std::function<void(int, const std::string&)> sink;
  std::thread thread;
  std::mutex mutex; // guards queue, closing, error
  std::condition_variable changed;
  std::deque<std::string> queue;
  bool closing = false;
  std::exception_ptr error;
  std::atomic<bool> stop{false};       // known on this rank
  std::atomic<bool> stop_asked{false}; // to be told to the others
  std::atomic<bool> abandoned{false};
  int ranks_done = 0;
  bool stop_told = false, done_told = false;

  bool pop(std::string& message);
  bool nothing_left();
  void pause();
  void fail(std::exception_ptr what);
  void hand_over(int from, const std::string& message);
  void signal(int to, int tag);
  void tell_all(int tag);
  bool receive_one();
  bool listen(bool& ended);
  void collect();
  void deliver();
  void run();
};

bool Collector::State::pop(std::string& message) {
  const std::lock_guard lock(mutex);
  if (queue.empty())
    return false;
  message = std::move(queue.front());
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

void Collector::State::hand_over(int from, const std::string& message) {
  {
    const std::lock_guard lock(mutex);
    if (error)
      return; // go on receiving, so that no sender hangs
  }
  try {
    sink(from, message);
  } catch (...) {
    fail(std::current_exception());
  }
}

void Collector::State::signal(int to, int tag) {
  MPI_Request request = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(MPI_Isend(nullptr, 0, MPI_BYTE, to, tag, comm.get(), &request));
  wait_for(request);
}

void Collector::State::tell_all(int tag) {
  for (int to = 1; to < size; ++to)
    signal(to, tag);
}

bool Collector::State::receive_one() {
  int waiting = 0;
  MPI_Status status{};
  PEAKBENCH_MPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm.get(), &waiting, &status));
  if (!waiting)
    return false;
  const int from = status.MPI_SOURCE, tag = status.MPI_TAG;
  std::uint64_t length = 0;
  PEAKBENCH_MPI(MPI_Recv(&length, 1, MPI_UINT64_T, from, tag, comm.get(), MPI_STATUS_IGNORE));
  if (tag == kDoneTag)
    ++ranks_done;
  if (tag == kStopTag)
    stop = stop_asked = true;
  if (tag == kSizeTag) {
    std::string message(length, '\0');
    receive_bytes(message, from, kDataTag, comm.get());
    hand_over(from, message);
  }
  return true;
}

void Collector::State::collect() {
  for (std::string message; !abandoned;) {
    bool worked = receive_one();
    if (pop(message)) {
      hand_over(0, message);
      worked = true;
    }
    if (stop_asked && !stop_told) {
      tell_all(kStopTag);
      stop_told = true;
    }
    if (worked)
      continue;
    if (ranks_done == size - 1 && nothing_left() && stop_asked == stop_told) {
      tell_all(kEndTag);
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
  ended = status.MPI_TAG == kEndTag;
  return true;
}

void Collector::State::deliver() {
  bool ended = false;
  for (std::string message; !ended && !abandoned;) {
    bool worked = listen(ended);
    if (pop(message)) {
      const std::uint64_t length = message.size();
      MPI_Request request = MPI_REQUEST_NULL;
      PEAKBENCH_MPI(MPI_Isend(&length, 1, MPI_UINT64_T, 0, kSizeTag, comm.get(), &request));
      wait_for(request);
      send_bytes(message, 0, kDataTag, comm.get());
      worked = true;
    }
    if (stop_asked && !stop_told) {
      signal(0, kStopTag);
      stop_told = true;
    }
    if (worked)
      continue;
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

Collector::Collector(const Session& session, std::function<void(int, const std::string&)> sink)
    : state_(std::make_unique<State>(session.state(), std::move(sink))) {
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

void Collector::send(std::string message) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->queue.push_back(std::move(message));
  }
  state_->changed.notify_all();
}

void Collector::request_stop() {
  state_->stop = true;
  state_->stop_asked = true;
}

bool Collector::stopped() const { return state_->stop; }

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
