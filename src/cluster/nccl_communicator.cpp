#if PEAKBENCH_USE_NCCL
#include "cluster/nccl_communicator.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/error.h"
#include "cluster/devices.h"

namespace peakbench::cluster {

namespace {

constexpr auto kSpinFor = std::chrono::milliseconds(20);

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

void check_cuda(cudaError_t code, const char* call) {
  if (code != cudaSuccess)
    throw std::runtime_error(fmt::format("{} failed: {}", call, cudaGetErrorString(code)));
}

// Between two looks.
class NcclCommunicator::Pause {
public:
  explicit Pause(Patience patience) : spins_(patience == Patience::spin) {}
  void operator()() {
    if (spins_ && Clock::now() - start_ < kSpinFor)
      return;
    std::this_thread::sleep_for(pause_);
    pause_ = std::min(pause_ * 2, std::chrono::microseconds(1000));
  }

private:
  using Clock = std::chrono::steady_clock;
  bool spins_;
  Clock::time_point start_ = Clock::now();
  std::chrono::microseconds pause_{20};
};

NcclCommunicator::NcclCommunicator(const Session& session, c10::Device device, double limit_seconds)
    : limit_seconds_(limit_seconds) {
  const ncclUniqueId id = shared_id(session);
  use_device(device);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  in_progress(ncclCommInitRankConfig(&comm_, session.size(), id, session.rank(), &config),
              "ncclCommInitRankConfig", Patience::rest);
}

NcclCommunicator::~NcclCommunicator() {
  if (!comm_)
    return;
  if (std::uncaught_exceptions() > 0) {
    abort();
    return;
  }
  try {
    finish();
  } catch (const std::exception& problem) {
    std::fputs(fmt::format("peakbench: {}\n", problem.what()).c_str(), stderr);
  }
}

void NcclCommunicator::finish() {
  in_progress(ncclCommFinalize(comm_), "ncclCommFinalize", Patience::rest);
  ncclCommDestroy(comm_);
  comm_ = nullptr;
}

void NcclCommunicator::abort() noexcept {
  if (comm_)
    ncclCommAbort(comm_);
  comm_ = nullptr;
}

void NcclCommunicator::fail(const char* call, const char* what) {
  const std::string detail = comm_ ? ncclGetLastError(comm_) : "";
  abort();
  throw std::runtime_error(
      fmt::format("{} failed: {}{}", call, what, detail.empty() ? "" : " (" + detail + ")"));
}

ncclResult_t NcclCommunicator::look_for_errors(const char* call, const Deadline& deadline) {
  ncclResult_t state = ncclSuccess;
  const ncclResult_t code = ncclCommGetAsyncError(comm_, &state);
  if (code != ncclSuccess)
    fail(call, ncclGetErrorString(code));
  if (state != ncclSuccess && state != ncclInProgress)
    fail(call, ncclGetErrorString(state));
  if (deadline.elapsed_seconds() > limit_seconds_)
    fail(call, fmt::format("another rank did not come within {:g} s", limit_seconds_).c_str());
  return state;
}

void NcclCommunicator::in_progress(ncclResult_t code, const char* call, Patience patience) {
  if (code != ncclSuccess && code != ncclInProgress)
    fail(call, ncclGetErrorString(code));
  const Deadline clock;
  Pause pause(patience);
  while (code == ncclInProgress) {
    pause();
    code = look_for_errors(call, clock);
  }
}

ncclComm_t NcclCommunicator::usable() const {
  if (!comm_)
    throw std::logic_error("an NCCL communicator was used after it had failed");
  return comm_;
}

bool NcclCommunicator::wait(cudaStream_t stream, Patience patience,
                            const std::function<bool()>& given_up) {
  usable();
  const Deadline clock;
  Pause pause(patience);
  for (;;) {
    const cudaError_t state = cudaStreamQuery(stream);
    if (state == cudaSuccess)
      break;
    if (state != cudaErrorNotReady)
      fail("cudaStreamQuery", cudaGetErrorString(state));
    look_for_errors("the operation", clock);
    if (given_up()) {
      abort();
      return false;
    }
    pause();
  }
  look_for_errors("the operation", clock); // an aborted operation leaves its stream empty
  return true;
}

} // namespace peakbench::cluster
#endif
