# shellcheck shell=bash disable=SC2034,SC2154 # root and script-wide names: set here or there
# Sourced by the job scripts: finds the program, and starts it on the ranks of the job.

say() { printf '%s: %s\n' "$(basename "${BASH_SOURCE[-1]}")" "$*"; }
fail() { say "$*" >&2; exit 2; }

# The comment at the head of a script is its guide.
print_guide() { sed -n '2,/^[^#]/{/^#SBATCH/d;s/^# \{0,1\}//p}' "$1"; }

# Sets `program` and `aggregate`: of a bundle (tools/bundle.sh), of a build, or of PATH.
find_programs() {
  local folder
  if [ -n "${PEAKBENCH_MODULES:-}" ]; then
    # shellcheck disable=SC2086
    module load $PEAKBENCH_MODULES
  fi
  # shellcheck source=/dev/null
  [ ! -f "$root/env.sh" ] || . "$root/env.sh"
  for folder in "$root/bin" "$root/build/release/bin"; do
    if [ -x "$folder/peakbench" ]; then
      program=$folder/peakbench aggregate=$folder/peakbench-aggregate
      return
    fi
  done
  program=$(command -v peakbench) || fail "peakbench is not built in $root (neither bin/ nor build/release/bin/)." \
    "Submit from the checkout or the bundle, or set PEAKBENCH_ROOT."
  aggregate=$(command -v peakbench-aggregate || true)
}

# Sets `config`, `out` and `options` from the script's arguments: CONFIG [options of peakbench run].
# PEAKBENCH_OUT names the results file.
read_arguments() {
  [ $# -gt 0 ] || fail "no configuration was named. Usage: see --help"
  config=$1
  shift
  options=("$@")
  [ -f "$config" ] || fail "there is no configuration $config (in $PWD)"
  out=${PEAKBENCH_OUT:-results/$(basename "$config" .yaml).h5}
  mkdir -p "$(dirname "$out")"
}

# Sets `launcher`: the command before `peakbench`, for the ranks of a Slurm job.
choose_launcher() {
  # Ranks need this long to come to the end of a case after a signal (cluster.grace_seconds).
  local grace=${PEAKBENCH_GRACE_SECONDS:-30}
  case ${PEAKBENCH_LAUNCHER:-srun} in
    srun)
      # srun does not take --cpus-per-task over from sbatch by itself (Slurm 22.05 and later).
      [ -z "${SLURM_CPUS_PER_TASK:-}" ] || export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"
      launcher=(srun "--mpi=${PEAKBENCH_MPI:-pmix}" --kill-on-bad-exit=0)
      ;;
    mpirun)
      use_mpirun "$grace"
      launcher=("${MPIRUN:-mpirun}" --bind-to none)
      [ -z "${SLURM_NTASKS:-}" ] || launcher+=(-n "$SLURM_NTASKS")
      ;;
    *) fail "PEAKBENCH_LAUNCHER is '$PEAKBENCH_LAUNCHER' (srun or mpirun)" ;;
  esac
  # shellcheck disable=SC2206
  launcher+=(${PEAKBENCH_LAUNCHER_ARGS:-})
}

# Settings of Open MPI's mpirun. $1: seconds a rank may take to end after a signal.
use_mpirun() {
  # mpirun passes SIGTERM on and kills what still runs after this time (default: 1 s).
  export OMPI_MCA_odls_base_sigkill_timeout=$(($1 + 5))
  if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}

# Runs a command, which gets the signals that this script gets, and returns its exit status.
run_with_signals() {
  local child status=0
  say "$*"
  "$@" &
  child=$!
  # shellcheck disable=SC2064
  trap "kill -USR1 $child 2>/dev/null || true" USR1
  # shellcheck disable=SC2064
  trap "kill -TERM $child 2>/dev/null || true" TERM INT
  # A signal ends `wait`, not the command.
  while :; do
    status=0
    wait "$child" || status=$?
    kill -0 "$child" 2>/dev/null || break
  done
  trap - USR1 TERM INT
  return "$status"
}
