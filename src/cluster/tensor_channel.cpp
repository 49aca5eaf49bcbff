#include "cluster/tensor_channel.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "cluster/nccl.h"
#include "cluster/session_state.h"

namespace peakbench::cluster {

namespace {

constexpr int kTensorTag = 1;
constexpr auto kPoll = std::chrono::microseconds(200);
constexpr std::size_t kPieceValues = kPieceBytes / sizeof(double);

class MpiTensorChannel final : public TensorChannel {
public:
  explicit MpiTensorChannel(const Session& session)
      : comm_(Communicator::duplicate_of(session.state().world.get())) {}

  void send(const at::Tensor& tensor) override {
    const std::vector<double> values = values_of(tensor);
    for (std::size_t at = 0; at < values.size(); at += kPieceValues) {
      const int count = static_cast<int>(std::min(kPieceValues, values.size() - at));
      MPI_Request request = MPI_REQUEST_NULL;
      // Synchronous: it is over once rank 0 has begun to take it, as with NCCL.
      PEAKBENCH_MPI(
          MPI_Issend(values.data() + at, count, MPI_DOUBLE, 0, kTensorTag, comm_.get(), &request));
      wait_for(request);
    }
  }

  bool receive(int from, std::vector<double>& values,
               const std::function<bool()>& given_up) override {
    for (std::size_t at = 0; at < values.size(); at += kPieceValues) {
      const int piece = static_cast<int>(std::min(kPieceValues, values.size() - at));
      MPI_Request request = MPI_REQUEST_NULL;
      PEAKBENCH_MPI(MPI_Irecv(values.data() + at, piece, MPI_DOUBLE, from, kTensorTag, comm_.get(),
                              &request));
      for (int done = 0;;) {
        PEAKBENCH_MPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
        if (done)
          break;
        if (given_up())
          return false;
        std::this_thread::sleep_for(kPoll);
      }
    }
    return true;
  }

private:
  Communicator comm_;
};

} // namespace

std::vector<double> values_of(const at::Tensor& tensor) {
  const at::Tensor host = tensor.to(at::kCPU, at::kDouble).contiguous();
  const double* first = host.const_data_ptr<double>();
  return {first, first + host.numel()};
}

std::unique_ptr<TensorChannel> make_tensor_channel(const Session& session, GatherBy by,
                                                   c10::Device device, double limit_seconds) {
  if (by == GatherBy::nccl)
    return nccl_tensor_channel(session, device, limit_seconds);
  return std::make_unique<MpiTensorChannel>(session);
}

} // namespace peakbench::cluster
