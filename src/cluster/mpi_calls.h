// The one place where MPI's return codes become exceptions, and what every user of MPI here needs.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace peakbench::cluster {

// Throws std::runtime_error with the call, MPI's text and the rank.
void check_mpi(int code, const char* call);
// Its twin for destructors: prints instead.
void report_mpi(int code, const char* call) noexcept;

#define PEAKBENCH_MPI(call) ::peakbench::cluster::check_mpi((call), #call)
#define PEAKBENCH_MPI_NOEXCEPT(call) ::peakbench::cluster::report_mpi((call), #call)

// Waits without spinning: a rank that has nothing to do must not take a core from one that
// measures.
void wait_for(MPI_Request& request);
// The same until `stopped` says yes: then false, and the request still stands.
bool wait_for(MPI_Request& request, const std::function<bool()>& stopped);

// One message is at most this long; longer byte strings travel in pieces (MPI counts are ints).
inline constexpr std::size_t kPieceBytes = std::size_t{16} << 20;
void send_bytes(const std::string& bytes, int rank, int tag, MPI_Comm comm);
// `bytes` has its final size already.
void receive_bytes(std::string& bytes, int rank, int tag, MPI_Comm comm);

// Move-only owner of a communicator whose errors are returned (for check_mpi).
class Communicator {
public:
  explicit Communicator(MPI_Comm comm);
  static Communicator duplicate_of(MPI_Comm comm);
  static Communicator of_this_host(MPI_Comm comm);
  // Collective over `comm`; nothing on the ranks that are left out.
  static std::optional<Communicator> of_first(MPI_Comm comm, int ranks);
  ~Communicator();
  Communicator(Communicator&& other) noexcept : comm_(other.comm_) { other.comm_ = MPI_COMM_NULL; }
  Communicator& operator=(Communicator&&) = delete;
  MPI_Comm get() const { return comm_; }
  int rank() const;
  int size() const;

private:
  MPI_Comm comm_;
};

} // namespace peakbench::cluster
