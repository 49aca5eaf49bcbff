#!/usr/bin/env bash
# Packs peakbench with everything it needs into one tar, for nodes without network, packages or LibTorch.
# usage: tools/bundle.sh [options]                 (default: build/peakbench-bundle.tar)
#   --out FILE        .tar, .tar.gz, .tar.xz, .tar.zst; or a folder's name ending in / for no tar at all
#   --preset NAME     the build to take: release (default), debug
#   --without-torch   leave LibTorch out: it is found at run time in the torch of `python3` (PYTHON=...)
#   --with-model      add models/*.gguf
#   --with-benches    add the micro-benchmarks and test programs that are built
#   --force           overwrite FILE
# There: tar xf FILE; peakbench/bin/peakbench run CONFIG; or the scripts in peakbench/jobs. bin/mpirun starts
# ranks on one machine; over several nodes use `srun --mpi=pmix`. It needs Linux of the same architecture with
# a C library (glibc) at least as new as here; for GPUs their driver.
set -euo pipefail
cd "$(dirname "$0")/.."

out=build/peakbench-bundle.tar preset=release with_torch=1 with_model=0 with_benches=0 force=0
while [ $# -gt 0 ]; do
  case $1 in
    --out) out=${2:?bundle: --out needs a name}; shift ;;
    --preset) preset=${2:?bundle: --preset needs a name}; shift ;;
    --without-torch) with_torch=0 ;;
    --with-model) with_model=1 ;;
    --with-benches) with_benches=1 ;;
    --force) force=1 ;;
    -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "bundle: unknown option '$1' (see tools/bundle.sh --help)" >&2; exit 2 ;;
  esac
  shift
done
fail() { printf 'bundle: %s\n' "$*" >&2; exit 2; }

bin=build/$preset/bin
programs=(peakbench peakbench-aggregate)
for name in "${programs[@]}"; do
  [ -x "$bin/$name" ] || fail "$bin/$name is not built. Run: cmake --preset $preset && cmake --build --preset $preset"
done
[ ! -x "$bin/peakbench-demo" ] || programs+=(peakbench-demo)
if [ $with_benches = 1 ]; then
  for path in "$bin"/bench_* "$bin"/test_*; do
    [ -x "$path" ] && programs+=("$(basename "$path")")
  done
fi
[ $with_model = 0 ] || compgen -G 'models/*.gguf' >/dev/null || fail "there is no models/*.gguf. Run tools/bootstrap.sh"
[ ! -e "${out%/}" ] || [ $force = 1 ] || fail "$out exists already. Add --force, or choose another --out"
cmake=$(command -v cmake || echo .venv/bin/cmake)
[ -x "$cmake" ] || fail "there is no cmake, which sets the programs' library paths"

stage=$(mktemp -d "${TMPDIR:-/tmp}/peakbench-bundle-XXXXXX")
trap 'rm -rf "$stage"' EXIT
root=$stage/peakbench
mkdir -p "$root"/{bin,libexec,lib,mpi,pmix}

# --- programs, with the bundle's own libraries in place of this machine's -----------------------------
torch_lib=$(dirname "$(ldd "$bin/peakbench" | awk '$1 == "libtorch_cpu.so" {print $3}')")
[ -f "$torch_lib/libtorch_cpu.so" ] || fail "LibTorch of $bin/peakbench is not there any more. Run tools/bootstrap.sh"
for name in "${programs[@]}"; do
  cp "$bin/$name" "$root/libexec/$name"
  former=$(readelf -d "$bin/$name" | sed -n 's/.*(R\(UN\)\{0,1\}PATH).*\[\(.*\)\]/\2/p')
  # shellcheck disable=SC2016 # $ORIGIN is for the loader
  printf 'file(RPATH_CHANGE FILE [[%s]] OLD_RPATH [[%s]] NEW_RPATH [[$ORIGIN/../lib]])\n' \
    "$root/libexec/$name" "$former" >"$stage/rpath.cmake"
  [ -z "$former" ] || "$cmake" -P "$stage/rpath.cmake" >/dev/null
done

# --- libraries ------------------------------------------------------------------------------------------
# Open MPI and PMIx look for their plugins below a prefix that can be moved.
# (Readers that stop early would end what they read from, and with pipefail this script without a word.)
mpi_path() { ompi_info --path "$1" --parsable | awk -F: 'NR == 1 {print $3}'; }
command -v ompi_info >/dev/null || fail "there is no ompi_info. Install openmpi-bin"
mpi_prefix=$(mpi_path prefix) plugins=$(mpi_path pkglibdir)
for folder in "$plugins" "$(mpi_path pkgdatadir)"; do
  mkdir -p "$root/mpi/$(dirname "${folder#"$mpi_prefix"/}")"
  cp -rL "$folder" "$root/mpi/${folder#"$mpi_prefix"/}"
done
mkdir -p "$root/mpi/etc"
[ ! -d "$(mpi_path sysconfdir)" ] || cp -rL "$(mpi_path sysconfdir)/." "$root/mpi/etc/"
pmix=$(ldconfig -p | awk '/libpmix\.so\.2 /{if (!found++) print $NF}')
if [ -n "$pmix" ]; then
  pmix=$(dirname "$(dirname "$(readlink -f "$pmix")")") # .../pmix2
  [ ! -d "$pmix/lib/pmix" ] || cp -rL "$pmix/." "$root/pmix/"
fi

# Libraries that come with the machine: the C library with its loader, and the GPU's driver.
of_the_machine='^(linux-vdso|ld-linux.*|libc|libm|libdl|librt|libpthread|libresolv|libutil|libanl|libnsl|libnss_.*|libcuda|libnvidia-.*)\.so'
needed_by() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
directly=$(for name in "${programs[@]}"; do needed_by "$bin/$name"; done | sort -u)
# Without LibTorch, what only LibTorch needs (CUDA's libraries, NVIDIA's packages) comes with it.
comes_with_torch() {
  [ $with_torch = 0 ] || return 1
  case $2 in "$torch_lib"/* | */site-packages/nvidia/*) return 0 ;; esac
  case $2 in */cuda*/*) ! grep -qxF "$1" <<<"$directly" ;; *) return 1 ;; esac
}
orted=$(readlink -f "$(command -v orted)") orterun=$(readlink -f "$(command -v orterun)")
missing=()
while read -r name arrow path _; do
  [ "$arrow" = '=>' ] || continue
  [[ ! $name =~ $of_the_machine ]] || continue
  if [ "$path" = not ]; then missing+=("$name"); continue; fi
  comes_with_torch "$name" "$path" || [ -f "$root/lib/$name" ] || cp -L "$path" "$root/lib/$name"
done < <({
  for name in "${programs[@]}"; do ldd "$bin/$name"; done
  ldd "$orted" "$orterun"
} | sort -u)
[ ${#missing[@]} -eq 0 ] || fail "libraries are missing on this machine: ${missing[*]}"
# A plugin is only used where what it needs is there: its own libraries are added as far as they are here.
while read -r name arrow path _; do
  if [ "$arrow" != '=>' ] || [ ! -f "$path" ] || [[ $name =~ $of_the_machine ]]; then continue; fi
  [ -f "$root/lib/$name" ] || cp -L "$path" "$root/lib/$name"
done < <(find "$plugins" "$root/pmix" -name '*.so' -exec ldd {} + 2>/dev/null | sort -u)
if [ $with_torch = 1 ]; then
  # Loaded by name at run time, so that ldd does not tell.
  for path in "$torch_lib"/libtorch_cuda_linalg.so $(ldd "$bin/peakbench" | awk '/libcudnn/{print $3}' | sed 's/libcudnn\.so\.9/libcudnn_*.so.9/'); do
    [ ! -f "$path" ] || cp -L "$path" "$root/lib/"
  done
fi

# --- wrappers -------------------------------------------------------------------------------------------
torch_version=$(sed -n "s/^__version__ = '\([^']*\)'.*/\1/p" "$torch_lib/../version.py" 2>/dev/null || true)
cat >"$root/libexec/settings.sh" <<SETTINGS
# Sourced by the programs in bin/: where their libraries and Open MPI's plugins are. \$bundle: this bundle.
export OPAL_PREFIX="\$bundle/mpi" PMIX_INSTALL_PREFIX="\$bundle/pmix" PMIX_PREFIX="\$bundle/pmix"
# Open MPI wants ssh or rsh to reach other machines, also where it need not: one machine can do without.
command -v ssh >/dev/null || command -v rsh >/dev/null || export OMPI_MCA_plm="\${OMPI_MCA_plm:-isolated}"
libraries=\$bundle/lib
if [ ! -f "\$bundle/lib/libtorch_cpu.so" ]; then
  torch=\$("\${PYTHON:-python3}" -c 'import importlib.util as u, os
found = u.find_spec("torch")
print(os.path.join(os.path.dirname(found.origin), "lib") if found else "")' 2>/dev/null)
  if [ ! -f "\$torch/libtorch_cpu.so" ]; then
    echo "peakbench: this bundle is without LibTorch, and \${PYTHON:-python3} has no torch (torch $torch_version is needed; set PYTHON)" >&2
    exit 2
  fi
  version=\$(sed -n "s/^__version__ = '\([^']*\)'.*/\1/p" "\$torch/../version.py")
  if [ "\$version" != "$torch_version" ]; then
    echo "peakbench: \${PYTHON:-python3} has torch \$version, and this bundle is built for $torch_version" >&2
    exit 2
  fi
  libraries=\$libraries:\$torch
fi
SETTINGS
wrap() { # PLACE NAME
  cat >"$root/$1/$2" <<'WRAPPER'
#!/bin/sh
more=$LD_LIBRARY_PATH
unset LD_LIBRARY_PATH # the tools below are the machine's own
bundle=$(cd "$(dirname "$(readlink -f "$0")")/UP" && pwd)
. "$bundle/libexec/settings.sh"
export LD_LIBRARY_PATH="$libraries${more:+:$more}"
exec "$bundle/libexec/NAME" "$@"
WRAPPER
  sed -i "s/NAME/$2/; s|UP|$3|" "$root/$1/$2"
  chmod 0755 "$root/$1/$2"
}
for name in "${programs[@]}"; do wrap bin "$name" ..; done
cp "$orterun" "$root/libexec/mpirun"
cp "$orted" "$root/libexec/orted"
wrap bin mpirun ..
mkdir -p "$root/mpi/bin"
wrap mpi/bin orted ../.. # started by Open MPI itself

# --- what runs are made of --------------------------------------------------------------------------------
cp -r configs jobs README.md "$root/"
if [ $with_model = 1 ]; then
  mkdir "$root/models"
  cp -L models/*.gguf "$root/models/"
fi
{
  echo "peakbench $(git describe --always --dirty 2>/dev/null || echo 'of an unknown revision'), preset $preset"
  echo "LibTorch ${torch_version:-of an unknown version}, $([ $with_torch = 1 ] && echo included || echo 'to be had from python3')"
  echo "needs at least: $(ldd --version | head -n 1)"
  (cd "$root" && find lib libexec -type f | sort)
} >"$root/BUNDLE"

mkdir -p "$(dirname "$out")"
case $out in
  */) rm -rf "$out"; mv "$root" "${out%/}" ;;
  *) tar -caf "$out.part.${out##*/}" -C "$stage" peakbench && mv "$out.part.${out##*/}" "$out" ;;
esac
echo "bundle: $out ($(du -shL "${out%/}" | cut -f1))"
