#include "cluster/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "base/error.h"
#include "cluster/session_state.h"

namespace peakbench::cluster {

namespace {
constexpr int kGatherTag = 1;
} // namespace

Runtime::Runtime(int& argc, char**& argv) {
  int initialised = 0, provided = MPI_THREAD_SINGLE;
  PEAKBENCH_MPI(MPI_Initialized(&initialised));
  if (initialised) {
    PEAKBENCH_MPI(MPI_Query_thread(&provided));
  } else {
    PEAKBENCH_MPI(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided));
    owner_ = true;
  }
  PEAKBENCH_MPI(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
  if (provided < MPI_THREAD_MULTIPLE)
    throw UserError("this MPI library does not support threads",
                    fmt::format("MPI_THREAD_MULTIPLE wanted, level {} provided", provided),
                    "use an MPI built with thread support");
}

Runtime::~Runtime() {
  if (owner_ && std::uncaught_exceptions() == 0)
    PEAKBENCH_MPI_NOEXCEPT(MPI_Finalize());
}

Session::State::State(int& argc, char**& argv)
    : runtime(argc, argv), world(Communicator::duplicate_of(MPI_COMM_WORLD)),
      local(Communicator::of_this_host(world.get())), rank(world.rank()), size(world.size()),
      local_rank(local.rank()), local_size(local.size()) {
  char name[MPI_MAX_PROCESSOR_NAME] = "";
  int length = 0;
  PEAKBENCH_MPI(MPI_Get_processor_name(name, &length));
  host.assign(name, static_cast<std::size_t>(length));
}

Session::State::State(const State& whole, Communicator part)
    : world(std::move(part)), local(Communicator::of_this_host(world.get())), rank(world.rank()),
      size(world.size()), local_rank(local.rank()), local_size(local.size()), host(whole.host) {}

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::Session(int& argc, char**& argv) : state_(std::make_unique<State>(argc, argv)) {}
Session::~Session() = default;

int Session::rank() const { return state_->rank; }
int Session::size() const { return state_->size; }
int Session::local_rank() const { return state_->local_rank; }
int Session::local_size() const { return state_->local_size; }
std::string Session::host() const { return state_->host; }

void Session::barrier() const {
  MPI_Request request = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(MPI_Ibarrier(state_->world.get(), &request));
  wait_for(request);
}

std::string Session::broadcast(const std::string& bytes, int root) const {
  const bool mine = rank() == root;
  std::uint64_t length = bytes.size();
  MPI_Request request = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(MPI_Ibcast(&length, 1, MPI_UINT64_T, root, state_->world.get(), &request));
  wait_for(request);
  std::string all = mine ? bytes : std::string(length, '\0');
  for (std::size_t at = 0; at < all.size(); at += kPieceBytes) {
    const int count = static_cast<int>(std::min(kPieceBytes, all.size() - at));
    PEAKBENCH_MPI(
        MPI_Ibcast(all.data() + at, count, MPI_BYTE, root, state_->world.get(), &request));
    wait_for(request);
  }
  return all;
}

std::vector<std::string> Session::gather(const std::string& bytes) const {
  const MPI_Comm comm = state_->world.get();
  const std::uint64_t length = bytes.size();
  std::vector<std::uint64_t> lengths(rank() == 0 ? static_cast<std::size_t>(size()) : 0);
  MPI_Request request = MPI_REQUEST_NULL;
  PEAKBENCH_MPI(
      MPI_Igather(&length, 1, MPI_UINT64_T, lengths.data(), 1, MPI_UINT64_T, 0, comm, &request));
  wait_for(request);
  if (rank() != 0) {
    send_bytes(bytes, 0, kGatherTag, comm);
    return {};
  }
  std::vector<std::string> all(static_cast<std::size_t>(size()));
  all[0] = bytes;
  for (int from = 1; from < size(); ++from) {
    all[static_cast<std::size_t>(from)].resize(lengths[static_cast<std::size_t>(from)]);
    receive_bytes(all[static_cast<std::size_t>(from)], from, kGatherTag, comm);
  }
  return all;
}

void Session::agree(const std::optional<std::string>& error) const {
  const std::vector<std::string> errors = gather(error ? "!" + *error : std::string());
  std::string verdict;
  for (std::size_t from = 0; from < errors.size() && verdict.empty(); ++from) {
    if (errors[from].empty())
      continue;
    bool same = true;
    for (const std::string& other : errors)
      same = same && other == errors[from];
    verdict = same || from == 0 ? errors[from]
                                : fmt::format("!rank {}: {}", from, errors[from].substr(1));
  }
  verdict = broadcast(verdict);
  if (!verdict.empty())
    throw UserError(verdict.substr(1));
}

std::unique_ptr<Session> Session::of_first(int ranks) const {
  std::optional<Communicator> part = Communicator::of_first(state_->world.get(), ranks);
  if (!part)
    return nullptr;
  return std::unique_ptr<Session>(new Session(std::make_unique<State>(*state_, std::move(*part))));
}

void Session::abort(int status) const {
  MPI_Abort(state_->world.get(), status);
  std::_Exit(status);
}

std::string host_name() {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0)
    return "";
  return name;
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  PEAKBENCH_MPI(MPI_Get_library_version(text, &length));
  std::string version(text, static_cast<std::size_t>(length));
  return version.substr(0, version.find_first_of(",\n"));
}

} // namespace peakbench::cluster
