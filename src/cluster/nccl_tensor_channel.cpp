#include <stdexcept>

#include "cluster/nccl.h"
#include "cluster/tensor_channel.h"
#if PEAKBENCH_USE_NCCL
#include <ATen/ATen.h>

#include <utility>

#include "cluster/devices.h"
#include "cluster/nccl_communicator.h"
#endif

namespace peakbench::cluster {

#if PEAKBENCH_USE_NCCL

namespace {

// Apart from the streams of cases: what is on its way waits for none of them, nor they for it.
class Stream {
public:
  Stream() {
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking),
               "cudaStreamCreateWithFlags");
  }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }

private:
  cudaStream_t stream_ = nullptr;
};

// Plain device memory, which no count of the caching allocator sees. Grows, never shrinks.
class Buffer {
public:
  Buffer() = default;
  ~Buffer() { cudaFree(memory_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  double* of(std::size_t count) {
    if (count > count_) {
      check_cuda(cudaFree(std::exchange(memory_, nullptr)), "cudaFree");
      count_ = 0;
      check_cuda(cudaMalloc(&memory_, count * sizeof(double)), "cudaMalloc");
      count_ = count;
    }
    return static_cast<double*>(memory_);
  }

private:
  void* memory_ = nullptr;
  std::size_t count_ = 0;
};

class NcclTensorChannel final : public TensorChannel {
public:
  NcclTensorChannel(const Session& session, c10::Device device, double limit_seconds)
      : device_(device), comm_(session, device, limit_seconds) {}

  void send(const at::Tensor& tensor) override {
    const at::Tensor values = tensor.to(device_, at::kDouble).contiguous();
    if (values.numel() == 0)
      return;
    // What fills the tensor may still be on its way, on another stream.
    check_cuda(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    comm_.start("ncclSend", [&](ncclComm_t comm) {
      return ncclSend(values.const_data_ptr(), static_cast<std::size_t>(values.numel()), ncclDouble,
                      0, comm, stream_.get());
    });
    comm_.wait(stream_.get(), NcclCommunicator::Patience::rest);
  }

  bool receive(int from, std::vector<double>& values,
               const std::function<bool()>& given_up) override {
    if (values.empty())
      return true;
    use_device(device_); // of this thread
    double* const memory = buffer_.of(values.size());
    comm_.start("ncclRecv", [&](ncclComm_t comm) {
      return ncclRecv(memory, values.size(), ncclDouble, from, comm, stream_.get());
    });
    if (!comm_.wait(stream_.get(), NcclCommunicator::Patience::rest, given_up))
      return false;
    check_cuda(cudaMemcpyAsync(values.data(), memory, values.size() * sizeof(double),
                               cudaMemcpyDeviceToHost, stream_.get()),
               "cudaMemcpyAsync");
    comm_.wait(stream_.get(), NcclCommunicator::Patience::rest);
    return true;
  }

private:
  c10::Device device_;
  NcclCommunicator comm_;
  Stream stream_;
  Buffer buffer_;
};

} // namespace

std::unique_ptr<TensorChannel> nccl_tensor_channel(const Session& session, c10::Device device,
                                                   double limit_seconds) {
  return std::make_unique<NcclTensorChannel>(session, device, limit_seconds);
}

#else

std::unique_ptr<TensorChannel> nccl_tensor_channel(const Session&, c10::Device, double) {
  throw std::logic_error("built without NCCL");
}

#endif

} // namespace peakbench::cluster
