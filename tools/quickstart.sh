#!/usr/bin/env bash
# From a fresh clone to a measured result: sets up, builds, measures EAB on a real language model and EP
# at several depths with two MPI ranks, and prints the comparison.
# usage: tools/quickstart.sh [CONFIG]        (default configs/quick.yaml; results in results/NAME.h5)
# A second call goes on where the first was stopped, and prints the tables again when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h | --help) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
config=${1:-configs/quick.yaml}

tools/bootstrap.sh
. tools/environment.sh
mkdir -p build results
cmake --preset release -DPEAKBENCH_TESTS=OFF >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
cmake --build --preset release --target peakbench peakbench-aggregate peakbench-demo

# One rank per GPU at most: each rank's memory must be its own.
ranks=2
if command -v nvidia-smi >/dev/null && gpus=$(nvidia-smi --list-gpus 2>/dev/null | grep -c '^GPU'); then
  [ "$gpus" -ge 1 ] && [ "$gpus" -lt "$ranks" ] && ranks=$gpus
fi
result=results/$(basename "${config%.yaml}").h5
status=0
mpirun -n "$ranks" --bind-to none build/release/bin/peakbench run "$config" --out "$result" || status=$?
echo
echo "Results: $result"
echo "Again:   build/release/bin/peakbench-aggregate $result --csv -     (also --json, --markdown; --help)"
if command -v gnuplot >/dev/null && [ -f "$result" ]; then
  plots=${result%.h5}-plots
  build/release/bin/peakbench-aggregate "$result" --plots "$plots" --force >/dev/null && echo "Plots:   $plots/"
fi
if [ -f "$result" ]; then
  page=${result%.h5}.html
  build/release/bin/peakbench-aggregate "$result" --html "$page" --force >/dev/null && echo "Report:  $page     (open it in a browser, send it to a colleague)"
fi
echo "Try:     build/release/bin/peakbench-demo --compare-all --save-plots --prompt \"Name one important skill.\""
exit $status
