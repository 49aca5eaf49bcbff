#!/usr/bin/env bash
# The offline bundle, unpacked elsewhere, runs with everything of this machine hidden that it is to bring:
# checkout, build, Open MPI with its plugins, and every library that is in the bundle.
# usage: bundle_test.sh SOURCE-FOLDER PRESET          exit status 77: cannot be tried here
set -euo pipefail
source=$1 preset=$2

if [ "${3:-}" != inside ]; then
  unshare -m true 2>/dev/null || { echo "skipped: hiding files needs root and mount namespaces"; exit 77; }
  ! grep -q '^PEAKBENCH_SANITIZE:BOOL=ON' "$source/build/$preset/CMakeCache.txt" ||
    { echo "skipped: a build with sanitizers is not for bundles"; exit 77; }
  exec unshare -m "$0" "$source" "$preset" inside
fi

scratch=$(mktemp -d /tmp/peakbench-bundle-test-XXXXXX)
trap 'umount -q "$scratch/venv" 2>/dev/null || true; rm -rf "$scratch"/*.tar "$scratch/peakbench" "$scratch"' EXIT
fails() { echo "FAILED: $*"; exit 1; }
expect() { # STATUS WORDS COMMAND...: the command ends with this status and prints these words
  local wanted=$1 words=$2 status=0
  shift 2
  "$@" >"$scratch/output" 2>&1 || status=$?
  if [ "$status" != "$wanted" ] || ! grep -qF -- "$words" "$scratch/output"; then
    cat "$scratch/output"
    fails "$* ended with $status instead of $wanted, or did not say: $words"
  fi
}

# LibTorch with CUDA is 2.5 GB of libraries: a build with it is tried without, and finds LibTorch at run time.
options=() cuda=
! ldd "$source/build/$preset/bin/peakbench" | grep libtorch_cuda >/dev/null ||
  { options=(--without-torch); cuda=$(dirname "$(ldd "$source/build/$preset/bin/peakbench" | awk '$1 ~ /^libcublas\.so/ {print $3}')"); }
"$source/tools/bundle.sh" --preset "$preset" --out "$scratch/b.tar" "${options[@]}"
expect 2 'exists already' "$source/tools/bundle.sh" --preset "$preset" --out "$scratch/b.tar"
expect 2 'is not built' "$source/tools/bundle.sh" --preset none --out "$scratch/c.tar"
mkdir "$scratch/venv" "$scratch/elsewhere"
mount --bind "$source/.venv" "$scratch/venv"
export PYTHON=$scratch/venv/bin/python
tar -xf "$scratch/b.tar" -C "$scratch/elsewhere"
bundle=$scratch/elsewhere/peakbench

# --- hide ---------------------------------------------------------------------------------------------------
cd "$scratch"
mount -t tmpfs none "$source"
for folder in /usr/lib/x86_64-linux-gnu/openmpi /usr/lib/x86_64-linux-gnu/pmix2 \
  /usr/share/openmpi /etc/openmpi; do
  if [ -d "$folder" ] && [ ! -L "$folder" ]; then mount -t tmpfs none "$folder"; fi
done
hidden=0
for library in "$bundle"/lib/*; do
  name=$(basename "$library")
  case $name in libtorch* | libc10*) continue ;; esac
  # Not those of the shell and the tools of this test.
  case $name in libpcre2-8.so.0 | libz.so.1 | libzstd.so.1 | libgcc_s.so.1 | libcrypto.so.3 | libstdc++.so.6 | libuuid.so.1) continue ;; esac
  for copy in "/lib/x86_64-linux-gnu/$name" "/usr/lib/x86_64-linux-gnu/$name"; do
    if [ -e "$copy" ]; then
      mount --bind /dev/null "$(readlink -f "$copy")"
      hidden=$((hidden + 1))
      break
    fi
  done
done
[ "$hidden" -ge 10 ] || fails "only $hidden libraries were hidden: this would show nothing"
# ssh and rsh, too: Open MPI looks for them although it starts nothing on other machines.
for program in orted orterun ssh rsh; do
  ! command -v $program >/dev/null || mount --bind /dev/null "$(readlink -f "$(command -v $program)")"
done

# --- run ------------------------------------------------------------------------------------------------------
cat >tiny.yaml <<'CONFIG'
name: tiny
repeats: {warm_up: 0, min: 1, max: 1}
device: cpu
cluster: {threads: 1}
ep: {arms: [backprop, ep_fused], depths: [2, 3], width: 16, batch: 4, steps: 4}
CONFIG
# A torch that was installed without NVIDIA's packages takes CUDA from the machine.
[ -z "$cuda" ] || export LD_LIBRARY_PATH=$cuda
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 OMP_NUM_THREADS=1
expect 0 'results: alone.h5' "$bundle/bin/peakbench" run tiny.yaml --out alone.h5
expect 0 'results: two.h5' "$bundle/bin/mpirun" -n 2 --bind-to none "$bundle/bin/peakbench" run tiny.yaml --out two.h5
expect 0 '4  ' "$bundle/bin/peakbench-aggregate" two.h5 --detail
expect 0 'mpirun --bind-to none -n 2' env PEAKBENCH_RANKS=2 PEAKBENCH_OUT=script.h5 "$bundle/jobs/workstation.sh" tiny.yaml
expect 0 'merged 2 files' "$bundle/bin/peakbench-aggregate" two.h5 script.h5 --to merged.h5

# --- controls: what is hidden is missed -------------------------------------------------------------------------
mv "$bundle/lib/libmpi.so.40" "$scratch/"
expect 127 libmpi.so.40 "$bundle/bin/peakbench" list tiny.yaml
mv "$scratch/libmpi.so.40" "$bundle/lib/"
mv "$bundle/mpi" "$scratch/mpi"
! "$bundle/bin/mpirun" -n 1 true >/dev/null 2>&1 || fails "mpirun ran without the bundle's plugins"
mv "$scratch/mpi" "$bundle/mpi"
if [ ${#options[@]} -gt 0 ]; then
  PYTHON=/nowhere expect 2 'this bundle is without LibTorch' "$bundle/bin/peakbench" list tiny.yaml
fi
echo "passed: $hidden libraries hidden"
