// What a Collector owns. Every rank has one thread that alone uses the collector's communicator. On
// rank 0 (collector_receive.cpp) it receives and calls the sink; elsewhere (collector_send.cpp) it
// sends what is queued and listens for `stop` and `end`. A message is its Announcement (kSizeTag)
// followed by its bytes (kDataTag); MPI keeps the order between two ranks. A tensor goes through
// the channel, from the thread that gave it to the thread that receives messages, in the order of
// their announcements. A sign of life (kLifeTag) says what its rank is doing; rank 0 gives one too
// (kHereTag).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "cluster/collector.h"
#include "cluster/session_state.h"

namespace peakbench::cluster {

namespace collecting {

inline constexpr int kSizeTag = 1, kDataTag = 2, kDoneTag = 3, kStopTag = 4, kEndTag = 5,
                     kLifeTag = 6, kTakenTag = 7, kEndWithLossTag = 8, kHereTag = 9;

inline constexpr double kLongestLook = 0.1; // seconds that one look around counts for, at most

using Clock = std::chrono::steady_clock;
inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of a message; of a sign of life the first number says what the rank is doing.
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

} // namespace collecting

struct Collector::State {
  using Clock = collecting::Clock;
  State(const Session::State& session, TensorSink tensor_sink, TensorChannel* tensor_channel,
        CollectorWatch signs);

  Communicator comm;
  int rank, size;
  TensorSink sink;
  TensorChannel* channel;
  CollectorWatch watch;
  double beat_seconds;
  std::vector<collecting::Peer> peers; // on rank 0
  Traffic messages, tensors;           // sent by the thread, and by whoever calls send()
  std::thread thread;
  std::mutex mutex; // guards queue, closing, error
  std::condition_variable changed;
  std::deque<collecting::Parcel> queue;
  bool closing = false;
  std::exception_ptr error;
  std::atomic<bool> stop{false};       // known on this rank
  std::atomic<bool> stop_asked{false}; // to be told to the others
  std::atomic<bool> abandoned{false};
  std::atomic<std::uint64_t> doing{0};
  std::atomic<std::size_t> taken{0};
  std::atomic<bool> loss{false};
  std::uint64_t doing_told = 0;
  double silent_seconds = 0; // of rank 0, on the others
  Clock::time_point told_at = Clock::now(), shown_at = Clock::now();
  std::deque<collecting::Parcel> unfinished; // of lost ranks, which MPI may still write to
  bool stop_told = false, done_told = false;

  // Both ends.
  bool pop(collecting::Parcel& parcel);
  bool nothing_left();
  void pause();
  void fail(std::exception_ptr what);
  void signal(int to, int tag);
  void run();

  // Rank 0.
  void collect();
  bool receive_one();
  void receive_parcel(int from, const collecting::Announcement& announced);
  bool receive_tensor(std::vector<double>& tensor, int from);
  bool receive_message(std::string& message, int from);
  void hand_over(int from, const collecting::Parcel& parcel);
  void tell_all(int tag);
  void note(int from, std::uint64_t what);
  void listened(int from, double seconds);
  void look_around(double seconds);
  bool all_done() const;

  // The others.
  void deliver();
  void send_parcel(const collecting::Parcel& parcel);
  bool listen(bool& ended);
  void give_sign();
  void miss_rank_zero(double seconds);
  void wait_for_rank_zero(MPI_Request& request);
};

} // namespace peakbench::cluster
