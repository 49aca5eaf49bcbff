// The MPI session. One object, made first and destroyed last in main; without mpirun it is one
// rank.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace peakbench::cluster {

class Session {
public:
  // Initialises MPI with MPI_THREAD_MULTIPLE. All communication is on a duplicate of the world.
  Session(int& argc, char**& argv);
  ~Session(); // finalises, unless an exception unwinds
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int rank() const;
  int size() const;
  int local_rank() const; // among the ranks of this host (shared-memory communicator)
  int local_size() const;
  std::string host() const;

  void barrier() const;
  std::string broadcast(const std::string& bytes, int root = 0) const;
  // On rank 0 one entry per rank, elsewhere empty.
  std::vector<std::string> gather(const std::string& bytes) const;
  // If any rank has an error, every rank throws UserError with the text of the first one that has,
  // and says which rank that is where it is not rank 0 or all. Call after every step that can fail
  // on one rank alone.
  void agree(const std::optional<std::string>& error) const;
  // Collective: a session of the first `ranks` ranks; null on the others.
  std::unique_ptr<Session> of_first(int ranks) const;
  // Ends the whole job; for errors that the other ranks cannot know of.
  [[noreturn]] void abort(int status) const;

  struct State; // session_state.h, for this folder
  const State& state() const { return *state_; }

private:
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Name and version of the MPI library, e.g. "Open MPI v4.1.4".
std::string mpi_version();
// Of this machine, without a session.
std::string host_name();

} // namespace peakbench::cluster
