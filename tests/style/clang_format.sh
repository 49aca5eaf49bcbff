#!/usr/bin/env bash
# Every source is formatted as .clang-format says.
set -euo pipefail
cd "$1"
command -v clang-format >/dev/null || { echo "skipped: clang-format is not installed"; exit 77; }
case "$(clang-format --version)" in
  *"version 14"*) ;;
  *) echo "skipped: clang-format 14 is the one that the sources are formatted with"; exit 77 ;;
esac
find src kernels tools tests -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' |
  xargs clang-format --dry-run --Werror
