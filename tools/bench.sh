#!/usr/bin/env bash
# Builds and runs the micro-benchmarks (tests/bench) and writes one JSON file each.
# usage: tools/bench.sh [--out FOLDER] [NAME...] [-- Google Benchmark's options]
#   tools/bench.sh                                  all of them, into results/bench
#   PEAKBENCH_RANKS=4 tools/bench.sh bench_gather   between so many ranks (2)
#   tools/bench.sh bench_step -- --benchmark_filter=paths:20
set -euo pipefail
cd "$(dirname "$0")/.."

out=results/bench
names=()
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=${2:?bench: --out needs a folder}; shift ;;
    -h | --help) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 0 ;;
    --) shift; break ;;
    -*) echo "bench: unknown option '$1' (see tools/bench.sh --help)" >&2; exit 2 ;;
    *) names+=("$1") ;;
  esac
  shift
done
if [ ${#names[@]} -eq 0 ]; then
  for source in tests/bench/bench_*.cpp; do
    names+=("$(basename "$source" .cpp)")
  done
fi
. tools/environment.sh
[ -f build/release/CMakeCache.txt ] || cmake --preset release >/dev/null
cmake --build --preset release --target "${names[@]}"
mkdir -p "$out"
for name in "${names[@]}"; do
  launch=()
  [ "$name" != bench_gather ] || launch=(mpirun --bind-to none -n "${PEAKBENCH_RANKS:-2}") # between ranks
  # To a file of its own first: an interrupted run leaves the last result in place.
  "${launch[@]}" "build/release/bin/$name" --benchmark_out="$out/$name.json.part" --benchmark_out_format=json "$@"
  mv "$out/$name.json.part" "$out/$name.json"
done
echo "bench: results in $out"
