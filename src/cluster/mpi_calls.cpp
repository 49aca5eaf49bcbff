#include "cluster/mpi_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <thread>

namespace peakbench::cluster {

namespace {

std::string failure_text(int code, const char* call) {
  char text[MPI_MAX_ERROR_STRING] = "unknown error";
  int length = 0, rank = -1;
  MPI_Error_string(code, text, &length);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return fmt::format("{} failed on rank {}: {}", call, rank, text);
}

} // namespace

void check_mpi(int code, const char* call) {
  if (code != MPI_SUCCESS)
    throw std::runtime_error(failure_text(code, call));
}

void report_mpi(int code, const char* call) noexcept {
  if (code != MPI_SUCCESS)
    std::fputs((failure_text(code, call) + "\n").c_str(), stderr);
}

void wait_for(MPI_Request& request) {
  wait_for(request, [] { return false; });
}

bool wait_for(MPI_Request& request, const std::function<bool()>& stopped) {
  auto pause = std::chrono::microseconds(5);
  for (int done = 0;;) {
    PEAKBENCH_MPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    if (done)
      return true;
    if (stopped())
      return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(1000));
  }
}

void send_bytes(const std::string& bytes, int rank, int tag, MPI_Comm comm) {
  for (std::size_t at = 0; at < bytes.size(); at += kPieceBytes) {
    const int count = static_cast<int>(std::min(kPieceBytes, bytes.size() - at));
    MPI_Request request = MPI_REQUEST_NULL;
    PEAKBENCH_MPI(MPI_Isend(bytes.data() + at, count, MPI_BYTE, rank, tag, comm, &request));
    wait_for(request);
  }
}

void receive_bytes(std::string& bytes, int rank, int tag, MPI_Comm comm) {
  for (std::size_t at = 0; at < bytes.size(); at += kPieceBytes) {
    const int count = static_cast<int>(std::min(kPieceBytes, bytes.size() - at));
    MPI_Request request = MPI_REQUEST_NULL;
    PEAKBENCH_MPI(MPI_Irecv(bytes.data() + at, count, MPI_BYTE, rank, tag, comm, &request));
    wait_for(request);
  }
}

Communicator::Communicator(MPI_Comm comm) : comm_(comm) {
  PEAKBENCH_MPI(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN));
}

Communicator Communicator::duplicate_of(MPI_Comm comm) {
  MPI_Comm copy = MPI_COMM_NULL;
  PEAKBENCH_MPI(MPI_Comm_dup(comm, &copy));
  return Communicator(copy);
}

Communicator Communicator::of_this_host(MPI_Comm comm) {
  MPI_Comm local = MPI_COMM_NULL;
  PEAKBENCH_MPI(MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &local));
  return Communicator(local);
}

std::optional<Communicator> Communicator::of_first(MPI_Comm comm, int ranks) {
  int rank = 0;
  PEAKBENCH_MPI(MPI_Comm_rank(comm, &rank));
  MPI_Comm part = MPI_COMM_NULL;
  PEAKBENCH_MPI(MPI_Comm_split(comm, rank < ranks ? 0 : MPI_UNDEFINED, rank, &part));
  if (part == MPI_COMM_NULL)
    return std::nullopt;
  return Communicator(part);
}

Communicator::~Communicator() {
  // Freeing is collective; while an exception unwinds the other ranks are not here, and main
  // aborts.
  if (comm_ != MPI_COMM_NULL && std::uncaught_exceptions() == 0)
    PEAKBENCH_MPI_NOEXCEPT(MPI_Comm_free(&comm_));
}

int Communicator::rank() const {
  int rank = 0;
  PEAKBENCH_MPI(MPI_Comm_rank(comm_, &rank));
  return rank;
}

int Communicator::size() const {
  int size = 1;
  PEAKBENCH_MPI(MPI_Comm_size(comm_, &size));
  return size;
}

} // namespace peakbench::cluster
