#!/usr/bin/env bash
# Every script passes shellcheck.
set -euo pipefail
cd "$1"
command -v shellcheck >/dev/null || { echo "skipped: shellcheck is not installed"; exit 77; }
{ find tools tests jobs -name "*.sh" -o -name "*.sbatch"; echo .ci/run; } | tr "\n" "\0" | xargs -0 shellcheck --external-sources
