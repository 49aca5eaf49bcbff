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
// receives messages, in the order of their announcements.
namespace peakbench::cluster {

namespace {
constexpr int kSizeTag = 1, kDataTag = 2, kDoneTag = 3, kStopTag = 4, kEndTag = 5;
constexpr auto kPoll = std::chrono::milliseconds(2);

struct Announcement {
  std::uint64_t message_bytes = 0, tensor_values = 0;
};

struct Parcel {
  std::string message;
  std::uint64_t tensor_values = 0;
  std::vector<double> tensor; // rank 0's own
};
} // namespace

struct Collector::State {
  State(const Session::State& session, TensorSink tensor_sink, TensorChannel* tensor_channel)
      : comm(Communicator::duplicate_of(session.world.get())), rank(session.rank),
        size(session.size), sink(std::move(tensor_sink)), channel(tensor_channel) {}

  Communicator comm;
  int rank, size;
  TensorSink sink;
  TensorChannel* channel;
  Traffic messages, tensors; // sent by the thread, and by whoever calls send()
  std::thread thread;
  std::mutex mutex; // guards queue, closing, error
  std::condition_variable changed;
  std::deque<Parcel> queue;
  bool closing = false;
  std::exception_ptr error;
  std::atomic<bool> stop{false};       // known on this rank
  std::atomic<bool> stop_asked{false}; // to be told to the others
  std::atomic<bool> abandoned{false};
  int ranks_done = 0;
  bool stop_told = false, done_told = false;

  bool pop(Parcel& parcel);
  bool nothing_left();
  void pause();
  void fail(std::exception_ptr what);
  void hand_over(int from, const std::string& message, const std::vector<double>& tensor);
  void send_parcel(const Parcel& parcel);
  void receive_parcel(int from, const Announcement& announced);
  void signal(int to, int tag);
  void tell_all(int tag);
  bool receive_one();
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

void Collector::State::hand_over(int from, const std::string& message,
                                 const std::vector<double>& tensor) {
  {
    const std::lock_guard lock(mutex);
    if (error)
      return; // go on receiving, so that no sender hangs
  }
  try {
    sink(from, message, tensor);
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
  Announcement announced;
  PEAKBENCH_MPI(MPI_Recv(&announced, 2, MPI_UINT64_T, from, tag, comm.get(), MPI_STATUS_IGNORE));
  if (tag == kDoneTag)
    ++ranks_done;
  if (tag == kStopTag)
    stop = stop_asked = true;
  if (tag == kSizeTag)
    receive_parcel(from, announced);
  return true;
}

// Whatever becomes of it: the sender waits.
void Collector::State::receive_parcel(int from, const Announcement& announced) {
  std::string message(announced.message_bytes, '\0');
  receive_bytes(message, from, kDataTag, comm.get());
  std::vector<double> tensor;
  if (announced.tensor_values > 0)
    tensor = channel->receive(from, announced.tensor_values);
  hand_over(from, message, tensor);
}

void Collector::State::send_parcel(const Parcel& parcel) {
  const Stopwatch watch(messages.seconds);
  const Announcement announced{parcel.message.size(), parcel.tensor_values};
  MPI_Request request = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(MPI_Isend(&announced, 2, MPI_UINT64_T, 0, kSizeTag, comm.get(), &request));
  wait_for(request);
  send_bytes(parcel.message, 0, kDataTag, comm.get());
  messages.bytes += static_cast<std::int64_t>(parcel.message.size());
}

void Collector::State::collect() {
  for (Parcel parcel; !abandoned;) {
    bool worked = receive_one();
    if (pop(parcel)) {
      hand_over(0, parcel.message, parcel.tensor);
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

Collector::Collector(const Session& session, Sink sink)
    : state_(std::make_unique<State>(
          session.state(),
          [sink = std::move(sink)](int from, const std::string& message,
                                   const std::vector<double>&) { sink(from, message); },
          nullptr)) {
  state_->thread = std::thread([state = state_.get()] { state->run(); });
}

Collector::Collector(const Session& session, TensorSink sink, TensorChannel& channel)
    : state_(std::make_unique<State>(session.state(), std::move(sink), &channel)) {
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
    const Stopwatch watch(state_->tensors.seconds);
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
