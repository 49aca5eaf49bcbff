#!/usr/bin/env bash
# Sets up, builds everything and runs all tests that this machine can run; what it cannot run is named
# by ctest as "Skipped".
# usage: tools/test.sh [--preset release|debug|sanitize] [ctest arguments, e.g. -R llm -L mpi]
set -euo pipefail
cd "$(dirname "$0")/.."
preset=release
case "${1:-}" in
  -h | --help) sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0 ;;
  --preset) preset=${2:?--preset needs a name}; shift 2 ;;
esac

# Tests on a Slurm cluster of their own need root; others have no use for Slurm.
with=(--with-tests)
[ "$(id -u)" != 0 ] || with+=(--with-slurm)
tools/bootstrap.sh "${with[@]}"
. tools/environment.sh
cmake --preset "$preset" -DPEAKBENCH_TESTS=ON
cmake --build --preset "$preset"
ctest --preset "$preset" --parallel "$(nproc)" "$@"
