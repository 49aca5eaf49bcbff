#!/usr/bin/env bash
# Every script passes shellcheck.
set -euo pipefail
cd "$1"
command -v shellcheck >/dev/null || { echo "skipped: shellcheck is not installed"; exit 77; }
folders=(tools tests)
[ -d jobs ] && folders+=(jobs)
find .ci/run "${folders[@]}" -regextype posix-extended -regex '.*\.(sh|sbatch)|.ci/run' -print0 |
  xargs -0 shellcheck --external-sources
