#!/usr/bin/env bash
# Every source is formatted as .clang-format says.
set -euo pipefail
cd "$1"
command -v clang-format >/dev/null || { echo "skipped: clang-format is not installed"; exit 77; }
case "$(clang-format --version)" in
  *"version 14"*) ;;
  *) echo "skipped: clang-format 14 is the one that the sources are formatted with"; exit 77 ;;
esac
find src kernels tools tests -regextype posix-extended -regex '.*\.(h|cpp|cu|cuh)' -print0 |
  xargs -0 clang-format --dry-run --Werror
