# shellcheck shell=bash disable=SC2034,SC2154 # root and script-wide names: set here or there
# Sourced by the job scripts: finds the program, and starts it on the ranks of the job.

say() { printf '%s: %s\n' "$(basename "${BASH_SOURCE[-1]}")" "$*"; }
fail() { say "$*" >&2; exit 2; }

# The comment at the head of a script is its guide.
print_guide() { sed -n '2,/^[^#]/{/^#SBATCH/d;s/^# \{0,1\}//p}' "$1"; }

# Sets `program`, `aggregate` and `mpirun`: of a bundle (tools/bundle.sh), of a build, or of PATH.
find_programs() {
  local folder
  mpirun=${MPIRUN:-mpirun}
  if [ -n "${PEAKBENCH_MODULES:-}" ]; then
    # shellcheck disable=SC2086
    module load $PEAKBENCH_MODULES
  fi
  for folder in "$root/bin" "$root/build/release/bin"; do
    if [ -x "$folder/peakbench" ]; then
      program=$folder/peakbench aggregate=$folder/peakbench-aggregate
      [ -n "${MPIRUN:-}" ] || [ ! -x "$folder/mpirun" ] || mpirun=$folder/mpirun
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
  case ${PEAKBENCH_LAUNCHER:-srun} in
    srun)
      # srun does not take --cpus-per-task over from sbatch by itself (Slurm 22.05 and later).
      [ -z "${SLURM_CPUS_PER_TASK:-}" ] || export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"
      launcher=(srun "--mpi=${PEAKBENCH_MPI:-pmix}" --kill-on-bad-exit=0)
      ;;
    mpirun)
      allow_root
      launcher=("$mpirun" --bind-to none)
      [ -z "${SLURM_NTASKS:-}" ] || launcher+=(-n "$SLURM_NTASKS")
      ;;
    *) fail "PEAKBENCH_LAUNCHER is '$PEAKBENCH_LAUNCHER' (srun or mpirun)" ;;
  esac
  # shellcheck disable=SC2206
  launcher+=(${PEAKBENCH_LAUNCHER_ARGS:-})
}

# Open MPI refuses root unless told otherwise.
allow_root() {
  if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
}

# Runs a command and returns its exit status. Signals to this script reach the ranks as SIGUSR1: srun and
# mpirun pass that on as it is, while SIGTERM or SIGINT makes mpirun kill the ranks a second later.
run_with_signals() {
  local child status=0
  say "$*"
  set -m # a process group of its own: Ctrl-C reaches this script alone
  "$@" </dev/null &
  child=$!
  set +m
  # shellcheck disable=SC2064
  trap "kill -USR1 $child 2>/dev/null || true" USR1 TERM INT
  # A signal ends `wait`, not the command.
  while :; do
    status=0
    wait "$child" || status=$?
    kill -0 "$child" 2>/dev/null || break
  done
  trap - USR1 TERM INT
  return "$status"
}
