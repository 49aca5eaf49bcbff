#include "cluster/collectives.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <limits>
#include <stdexcept>

#include "cluster/nccl.h"
#include "cluster/session_state.h"

namespace peakbench::cluster {

namespace {

MPI_Datatype type_of(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kDouble ? MPI_DOUBLE : MPI_FLOAT;
}

int count_of(const at::Tensor& tensor) {
  if (tensor.numel() > std::numeric_limits<int>::max())
    throw std::runtime_error(
        fmt::format("{} elements are more than one MPI call can take", tensor.numel()));
  return static_cast<int>(tensor.numel());
}

class MpiCollectives final : public Collectives {
public:
  explicit MpiCollectives(const Session& session)
      : comm_(Communicator::duplicate_of(session.state().world.get())) {}

  GatherBy transport() const override { return GatherBy::mpi; }
  c10::Device device() const override { return c10::Device(c10::kCPU); }

  void all_gather(const at::Tensor& mine, at::Tensor& all) override {
    const int count = count_of(mine);
    PEAKBENCH_MPI(MPI_Allgather(mine.const_data_ptr(), count, type_of(mine), all.mutable_data_ptr(),
                                count, type_of(mine), comm_.get()));
  }
  void all_reduce(const at::Tensor& mine, at::Tensor& sum) override {
    PEAKBENCH_MPI(MPI_Allreduce(mine.const_data_ptr(), sum.mutable_data_ptr(), count_of(mine),
                                type_of(mine), MPI_SUM, comm_.get()));
  }
  void broadcast(at::Tensor& values, int root) override {
    PEAKBENCH_MPI(
        MPI_Bcast(values.mutable_data_ptr(), count_of(values), type_of(values), root, comm_.get()));
  }
  void reduce(const at::Tensor& mine, at::Tensor& sum, int root) override {
    PEAKBENCH_MPI(MPI_Reduce(mine.const_data_ptr(), sum.mutable_data_ptr(), count_of(mine),
                             type_of(mine), MPI_SUM, root, comm_.get()));
  }
  void wait() override {} // MPI's calls have waited

private:
  Communicator comm_;
};

} // namespace

std::unique_ptr<Collectives> make_collectives(const Session& session, GatherBy by,
                                              c10::Device device, double limit_seconds) {
  if (by == GatherBy::nccl)
    return nccl_collectives(session, device, limit_seconds);
  return std::make_unique<MpiCollectives>(session);
}

struct LockStep::State {
  explicit State(const Session::State& session)
      : comm(Communicator::duplicate_of(session.world.get())) {}
  Communicator comm;
};

LockStep::LockStep(const Session& session) : state_(std::make_unique<State>(session.state())) {}
LockStep::~LockStep() = default;

void LockStep::barrier() const { PEAKBENCH_MPI(MPI_Barrier(state_->comm.get())); }

std::vector<double> LockStep::greatest(std::vector<double> mine) const {
  PEAKBENCH_MPI(MPI_Allreduce(MPI_IN_PLACE, mine.data(), static_cast<int>(mine.size()), MPI_DOUBLE,
                              MPI_MAX, state_->comm.get()));
  return mine;
}

} // namespace peakbench::cluster
