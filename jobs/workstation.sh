#!/usr/bin/env bash
# Runs a configuration on the ranks of this machine, with mpirun. The same command again does what
# is missing.
#
# usage: jobs/workstation.sh CONFIG [options of peakbench run]
#   jobs/workstation.sh configs/quick.yaml
#   PEAKBENCH_RANKS=2 jobs/workstation.sh configs/ep_depth.yaml --set ep.optimizer=sgd
#
# Settings (environment variables):
#   PEAKBENCH_RANKS          ranks; default: one per GPU, without GPUs one
#   PEAKBENCH_OUT            results file; default: results/NAME-OF-CONFIG.h5
#   PEAKBENCH_ROOT           checkout or bundle; default: the folder above this script
#   MPIRUN                   default: the bundle's, else mpirun
# Exit status: peakbench's (0 all ok, 1 some case not ok, 2 wrong input, 3 interrupted, results kept).
set -euo pipefail

root=${PEAKBENCH_ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
# shellcheck source=jobs/common.sh
. "$root/jobs/common.sh"
case "${1:---help}" in -h | --help) print_guide "$0"; exit 0 ;; esac
find_programs
read_arguments "$@"

ranks=${PEAKBENCH_RANKS:-}
if [ -z "$ranks" ]; then
  ranks=1
  if command -v nvidia-smi >/dev/null && gpus=$(nvidia-smi --list-gpus 2>/dev/null | grep -c '^GPU'); then
    ranks=$gpus
  fi
fi
[ "$(nproc)" -ge "$ranks" ] || export OMPI_MCA_rmaps_base_oversubscribe=1
allow_root

status=0
run_with_signals "$mpirun" --bind-to none -n "$ranks" \
  "$program" run "$config" --out "$out" "${options[@]}" || status=$?
exit "$status"
