#!/usr/bin/env bash
# Includes point one way, and each outside library is used in its own folder only (architecture.md).
set -euo pipefail
cd "$1"
status=0
# allow FOLDER PREFIX...: files of FOLDER include nothing of ours but these folders.
allow() {
  local folder=$1; shift
  local allowed found
  allowed=$(IFS='|'; echo "$*")
  found=$(grep -rnE '#include "[a-z]+/' "$folder" --include='*.h' --include='*.cpp' --include='*.cu' --include='*.cuh' |
    grep -vE "#include \"($allowed)/" || true)
  [ -z "$found" ] || { echo "$folder may include only: $*"; echo "$found"; status=1; }
}
allow kernels kernels
allow src/base base
allow src/measure measure base
allow src/llm llm measure kernels base
allow src/eab eab llm measure kernels base
allow src/ep ep measure kernels base
allow src/cluster cluster base
allow src/results results base
allow src/report report results base
allow src/suite suite eab ep llm measure kernels cluster results report base
# only PATTERN WHY FOLDER...: files that match lie in these folders.
only() {
  local pattern=$1 why=$2; shift 2
  local allowed found
  allowed=$(IFS='|'; echo "$*")
  found=$(grep -rlE "$pattern" src kernels tools --include='*.h' --include='*.cpp' --include='*.cu' | grep -vE "^($allowed)" || true)
  [ -z "$found" ] || { echo "only $* may use $why:"; echo "$found"; status=1; }
}
only '#include <(mpi|nccl)\.h>' 'MPI and NCCL' src/cluster/
only '#include <hdf5\.h>' 'HDF5' src/results/
only '#include <yaml-cpp/' 'yaml-cpp' src/suite/config src/suite/yaml
only '#include <zlib\.h>' 'zlib' src/ep/idx_file
only '#include <CLI/' 'CLI11' src/main.cpp tools/
exit $status
