// An NCCL communicator that is never waited for without a look at the clock. Only where
// PEAKBENCH_USE_NCCL is 1.
#pragma once

#include <c10/core/Device.h>
#include <cuda_runtime_api.h>
#include <nccl.h>

#include <functional>

#include "base/deadline.h"
#include "cluster/session.h"

namespace peakbench::cluster {

void check_cuda(cudaError_t code, const char* call);

// Started by MPI, which carries the unique id. It is non-blocking: every call may answer "in
// progress", and start() finds out how it went on. Whatever fails aborts it, so that no other rank
// and no kernel on the device waits for this one; it is of no more use then.
class NcclCommunicator {
public:
  // How a wait treats its core: `spin` for what is measured (after a while it rests, too), `rest`
  // beside cases that are measured.
  enum class Patience { spin, rest };

  // Collective. `limit_seconds`: for this, and for every wait.
  NcclCommunicator(const Session& session, c10::Device device, double limit_seconds);
  // Ends it together with the other ranks, unless it is broken or an exception unwinds.
  ~NcclCommunicator();
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  // `enqueue(comm)` calls NCCL once; returns when NCCL has put its work on the stream.
  template <class Enqueue>
  void start(const char* call, Enqueue enqueue) {
    in_progress(enqueue(usable()), call, Patience::spin);
  }
  // Until all work on the stream is done. False once `given_up`, which is asked while it waits,
  // says so: it is aborted then.
  bool wait(
      cudaStream_t stream, Patience patience,
      const std::function<bool()>& given_up = [] { return false; });

private:
  class Pause;
  ncclComm_t usable() const;
  void in_progress(ncclResult_t code, const char* call, Patience patience);
  ncclResult_t look_for_errors(const char* call, const Deadline& deadline);
  void finish();
  [[noreturn]] void fail(const char* call, const char* what);
  void abort() noexcept;

  double limit_seconds_;
  ncclComm_t comm_ = nullptr;
};

} // namespace peakbench::cluster
