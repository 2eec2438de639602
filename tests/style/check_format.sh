#!/usr/bin/env bash
# check_format.sh SOURCE: fails where clang-format would change a C++ file.
set -euo pipefail
cd -- "$1"
find include src tests tools -name '*.cpp' -print0 -o -name '*.hpp' -print0 |
    xargs -0 clang-format --dry-run -Werror
