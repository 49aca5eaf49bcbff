# shellcheck shell=bash
# Sourced by the scripts: the settings that only some machines need.
# Open MPI refuses root and more ranks than cores unless told otherwise.
if [ "$(id -u)" = 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
if [ "$(nproc)" -lt "${PEAKBENCH_RANKS:-4}" ]; then
  export OMPI_MCA_rmaps_base_oversubscribe=1
fi
# Sessions without a terminal may lack a home for Open MPI's shared-memory files.
export TMPDIR="${TMPDIR:-/tmp}"
[ -x .venv/bin/cmake ] && PATH="$PWD/.venv/bin:$PATH"
export CMAKE_BUILD_PARALLEL_LEVEL="${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
