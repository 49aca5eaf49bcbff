#!/usr/bin/env bash
# Starts a program on a number of ranks of this machine: launch.sh RANKS PROGRAM [ARGUMENT]...
# Sets what only some machines need: Open MPI refuses root, and more ranks than cores.
set -euo pipefail
ranks=$1
shift
if [ "$(id -u)" = 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
# It counts whole cores, of which there may be half as many as nproc says.
export OMPI_MCA_rmaps_base_oversubscribe=1
exec "${MPIEXEC:-mpirun}" -n "$ranks" "$@"
