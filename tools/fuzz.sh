#!/usr/bin/env bash
# Fuzzes the loaders: builds the libFuzzer targets (preset `fuzz`: clang, address and undefined-behaviour
# sanitizers) and runs them one after the other, from the corpus that earlier runs have left.
# usage: tools/fuzz.sh [TARGET...] [--seconds N] [--jobs N] [--seed N] [--fresh]
#        tools/fuzz.sh --repeat FILE          runs one kept input again: its folder names the target
#        tools/fuzz.sh --build | --tests | --list
#   TARGET     gguf safetensors tokenizer chat_template llama2c config results; all of them without
#   --seconds  for each target (60)
#   --jobs     processes for each target, which share the corpus (1)
#   --seed     of the mutations; the same seed from the same corpus tries the same inputs
#   --tests    builds, and runs the tests of the loaders under the same sanitizers
#   --fresh    from the seeds alone, and without keeping what is found on the way: as ctest does it
# examples:
#   tools/fuzz.sh --seconds 600 --jobs 8       an hour and ten minutes for the seven of them
#   tools/fuzz.sh results --seconds 3600
#   tools/fuzz.sh --repeat results/fuzz/found/config/crash-0123abcd
# The corpora grow in results/fuzz/corpus/TARGET and are minimised after each run; inputs that failed
# lie in results/fuzz/found/TARGET. Exit status 1 if there is a new one, 77 without a clang that
# has libFuzzer.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
bin=build/fuzz/bin kept=results/fuzz
all=(gguf safetensors tokenizer chat_template llama2c config results)
# Limits of one input: seconds (sanitized code takes about ten times as long), megabytes of the
# process, and of one allocation.
limits=(-timeout=60 -rss_limit_mb=2048 -malloc_limit_mb=1024)

targets=() seconds=60 jobs=1 seed='' fresh=0 repeat='' build_only=0 tests=0
need() { [ $# -ge 2 ] || { echo "fuzz: $1 needs a value" >&2; exit 2; }; }
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) need "$@"; seconds=$2; shift ;;
    --jobs) need "$@"; jobs=$2; shift ;;
    --seed) need "$@"; seed=$2; shift ;;
    --repeat) need "$@"; repeat=$2; shift ;;
    --fresh) fresh=1 ;;
    --build) build_only=1 ;;
    --tests) tests=1 ;;
    --list) printf '%s\n' "${all[@]}"; exit 0 ;;
    -h | --help) sed -n '2,21s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "fuzz: unknown option '$1' (see tools/fuzz.sh --help)" >&2; exit 2 ;;
    *)
      [[ " ${all[*]} " == *" $1 "* ]] || { echo "fuzz: no target '$1'; there are: ${all[*]}" >&2; exit 2; }
      targets+=("$1") ;;
  esac
  shift
done
[[ $seconds =~ ^[1-9][0-9]*$ && $jobs =~ ^[1-9][0-9]*$ && $seed =~ ^[0-9]*$ ]] ||
  { echo "fuzz: --seconds, --jobs and --seed take positive integers" >&2; exit 2; }
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")

# The first clang that can link libFuzzer and finds the C++ library.
find_clang() {
  local name folder
  folder=$(mktemp -d)
  printf '%s\n' '#include <concepts>' '#include <cstdint>' \
    'extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t*, std::size_t) { return 0; }' >"$folder/try.cpp"
  for name in clang++ clang++-{14..22}; do
    if command -v "$name" >/dev/null &&
      "$name" -std=c++20 -fsanitize=fuzzer,address,undefined "$folder/try.cpp" -o "$folder/try" 2>/dev/null; then
      rm -r "$folder"
      echo "$name"
      return
    fi
  done
  rm -r "$folder"
  return 1
}

build() {
  local clang
  clang=$(find_clang) || {
    echo "fuzz: skipped: there is no clang with libFuzzer here (tools/bootstrap.sh --with-tests installs one)"
    exit 77
  }
  [ -f build/fuzz/build.ninja ] || cmake --preset fuzz -DCMAKE_CXX_COMPILER="$clang" -DCMAKE_C_COMPILER="${clang/++/}"
  cmake --build --preset fuzz
  # Not under the hands of another one that reads them.
  local stamp=build/fuzz/seeds.stamp
  if [ ! "$stamp" -nt "$bin/fuzz_seeds" ] || [ -n "$(find configs -name '*.yaml' -newer "$stamp")" ]; then
    rm -rf build/fuzz/seeds
    "$bin/fuzz_seeds" build/fuzz/seeds "$root"
    touch "$stamp"
  fi
}
# Two tests may come here at a time.
mkdir -p build/fuzz
exec 9>build/fuzz/lock
flock 9
build
exec 9>&-
[ $build_only = 0 ] || exit 0

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$root/tests/fuzz/leaks.supp:print_suppressions=0}
export OMP_NUM_THREADS=1

[ $tests = 0 ] || exec "$bin/test_loaders" --gtest_brief=1
if [ -n "$repeat" ]; then
  target=$(basename "$(dirname "$repeat")")
  exec "$bin/fuzz_$target" "${limits[@]}" "$repeat"
fi

status=0
run_target() {
  local target=$1 found=$kept/found/$1 corpus=$kept/corpus/$1 scratch dictionary=() more=() failed=0
  mkdir -p "$found" "$corpus"
  scratch=$(mktemp -d)
  [ $fresh = 0 ] || corpus=$scratch
  [ ! -f "tests/fuzz/$target.dict" ] || dictionary=(-dict="tests/fuzz/$target.dict")
  [ -z "$seed" ] || more+=(-seed="$seed")
  # HDF5 keeps memory for its next call, which looks like a leak of each input.
  [ "$target" != results ] || more+=(-detect_leaks=0)
  [ "$jobs" = 1 ] || more+=(-fork="$jobs")
  local regressions=()
  [ ! -d "tests/fuzz/regressions/$target" ] || regressions=("tests/fuzz/regressions/$target")
  echo "fuzz: $target for $seconds s"
  "$bin/fuzz_$target" "${limits[@]}" -max_total_time="$seconds" -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$found/" "${dictionary[@]}" "${more[@]}" "$corpus" "build/fuzz/seeds/$target" \
    "${regressions[@]}" >"$scratch.log" 2>&1 || failed=1
  if [ $failed = 1 ]; then
    status=1
    grep -vE '^#[0-9]+\s+(NEW|REDUCE|pulse|RELOAD)|# Uses' "$scratch.log" | tail -n 80
    echo "fuzz: $target FAILED; the input is kept. To run it again:"
    sed -n "s|.*Test unit written to |  tools/fuzz.sh --repeat |p" "$scratch.log"
  else
    grep -E 'DONE|number_of_executed_units|peak_rss' "$scratch.log" || true
    if [ $fresh = 0 ]; then
      mkdir "$scratch/merged"
      "$bin/fuzz_$target" "${limits[@]}" -merge=1 "$scratch/merged" "$corpus" >>"$scratch.log" 2>&1 &&
        rm -rf "$corpus" && mv "$scratch/merged" "$corpus"
      echo "fuzz: $target has $(find "$corpus" -type f | wc -l) inputs in $corpus"
    fi
  fi
  rm -rf "$scratch" "$scratch.log"
}
for target in "${targets[@]}"; do
  run_target "$target"
done
exit $status
