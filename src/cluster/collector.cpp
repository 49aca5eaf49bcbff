#include "cluster/collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "base/stopwatch.h"
#include "cluster/collector_state.h"

namespace peakbench::cluster {

using namespace collecting;

namespace {
constexpr auto kPoll = std::chrono::milliseconds(2);
constexpr double kLongestBeat = 5, kBeatsBeforeLost = 4; // seconds, signs of life
} // namespace

Collector::State::State(const Session::State& session, TensorSink tensor_sink,
                        TensorChannel* tensor_channel, CollectorWatch signs)
    : comm(Communicator::duplicate_of(session.world.get())), rank(session.rank), size(session.size),
      sink(std::move(tensor_sink)), channel(tensor_channel), watch(std::move(signs)),
      beat_seconds(std::min(kLongestBeat, watch.lost_after_seconds / kBeatsBeforeLost)),
      peers(rank == 0 ? static_cast<std::size_t>(size) : 0) {}

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

void Collector::State::signal(int to, int tag) {
  MPI_Request request = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(MPI_Isend(nullptr, 0, MPI_BYTE, to, tag, comm.get(), &request));
  wait_for(request);
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

void Collector::request_stop() {
  state_->stop = true;
  state_->stop_asked = true;
}

bool Collector::stopped() const { return state_->stop; }
std::size_t Collector::taken() const { return state_->taken; }
void Collector::doing(std::uint64_t what) { state_->doing = what; }
bool Collector::anyone_lost() const { return state_->loss; }

Traffic Collector::sent() const {
  return {state_->messages.bytes + state_->tensors.bytes,
          state_->messages.seconds + state_->tensors.seconds};
}

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
