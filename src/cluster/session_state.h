// What a Session owns; only cluster/ sees MPI types.
#pragma once

#include <string>

#include "cluster/mpi_calls.h"
#include "cluster/session.h"

namespace peakbench::cluster {

// First member of the state, so that communicators are freed before MPI is finalised.
class Runtime {
public:
  Runtime(int& argc, char**& argv);
  Runtime() = default; // of a part of another session
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

private:
  bool owner_ = false; // false where a test program has initialised MPI itself
};

struct Session::State {
  State(int& argc, char**& argv);
  State(const State& whole, Communicator part);
  Runtime runtime;
  Communicator world; // a duplicate
  Communicator local; // the ranks of this host
  int rank = 0, size = 1, local_rank = 0, local_size = 1;
  std::string host;
};

} // namespace peakbench::cluster
