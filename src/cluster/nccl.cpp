#include "cluster/nccl.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <stdexcept>

#if PEAKBENCH_USE_NCCL
#include <cuda_runtime_api.h>
#include <nccl.h>

#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "base/deadline.h"
#endif

namespace peakbench::cluster {

bool nccl_available() { return PEAKBENCH_USE_NCCL != 0; }

#if PEAKBENCH_USE_NCCL

namespace {

void check_cuda(cudaError_t code, const char* call) {
  if (code != cudaSuccess && code != cudaErrorNotReady)
    throw std::runtime_error(fmt::format("{} failed: {}", call, cudaGetErrorString(code)));
}

class Stream {
public:
  Stream() {
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreate");
  }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }

private:
  cudaStream_t stream_ = nullptr;
};

// A non-blocking communicator: every call may answer "in progress", and wait() finds out how it
// ended.
class NcclCommunicator {
public:
  NcclCommunicator(const Session& session, const ncclUniqueId& id, const Deadline& deadline)
      : deadline_(deadline) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    start(ncclCommInitRankConfig(&comm_, session.size(), id, session.rank(), &config),
          "ncclCommInitRankConfig");
  }
  ~NcclCommunicator() {
    if (comm_ && !finished_)
      ncclCommAbort(comm_);
  }
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  void all_gather(const double* mine, double* all, std::size_t count, cudaStream_t stream) {
    start(ncclAllGather(mine, all, count, ncclDouble, comm_, stream), "ncclAllGather");
    for (cudaError_t state = cudaErrorNotReady; state == cudaErrorNotReady;) {
      state = cudaStreamQuery(stream);
      check_cuda(state, "cudaStreamQuery");
      look_for_errors("ncclAllGather");
      if (state == cudaErrorNotReady)
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  }
  void finish() {
    start(ncclCommFinalize(comm_), "ncclCommFinalize");
    ncclCommDestroy(comm_);
    finished_ = true;
  }

private:
  void start(ncclResult_t code, const char* call) {
    while (code == ncclInProgress) {
      code = look_for_errors(call);
      if (code == ncclInProgress)
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    if (code != ncclSuccess)
      fail(call, code);
  }
  ncclResult_t look_for_errors(const char* call) {
    ncclResult_t state = ncclSuccess;
    const ncclResult_t code = ncclCommGetAsyncError(comm_, &state);
    if (code != ncclSuccess)
      fail(call, code);
    if (state != ncclSuccess && state != ncclInProgress)
      fail(call, state);
    deadline_.check();
    return state;
  }
  [[noreturn]] void fail(const char* call, ncclResult_t code) const {
    throw std::runtime_error(fmt::format("{} failed: {} ({})", call, ncclGetErrorString(code),
                                         comm_ ? ncclGetLastError(comm_) : "no communicator"));
  }

  const Deadline& deadline_;
  ncclComm_t comm_ = nullptr;
  bool finished_ = false;
};

ncclUniqueId shared_id(const Session& session) {
  ncclUniqueId id{};
  std::string bytes, problem;
  if (session.rank() == 0) {
    const ncclResult_t code = ncclGetUniqueId(&id);
    if (code == ncclSuccess)
      bytes.assign(id.internal, sizeof id.internal);
    else
      problem = ncclGetErrorString(code);
  }
  bytes = session.broadcast(bytes);
  if (bytes.size() != sizeof id.internal)
    throw std::runtime_error(fmt::format("ncclGetUniqueId failed on rank 0 {}", problem));
  std::memcpy(id.internal, bytes.data(), sizeof id.internal);
  return id;
}

} // namespace

at::Tensor nccl_all_gather(const Session& session, const at::Tensor& mine, double limit_seconds) {
  at::Tensor all = at::empty({session.size(), mine.numel()}, mine.options()); // [ranks, n]
  check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize"); // `mine` may still be on its way
  const Deadline deadline(limit_seconds);
  const Stream stream;
  NcclCommunicator comm(session, shared_id(session), deadline);
  comm.all_gather(mine.const_data_ptr<double>(), all.mutable_data_ptr<double>(),
                  static_cast<std::size_t>(mine.numel()), stream.get());
  comm.finish();
  return all;
}

#else

at::Tensor nccl_all_gather(const Session&, const at::Tensor&, double) {
  throw std::logic_error("built without NCCL");
}

#endif

} // namespace peakbench::cluster
