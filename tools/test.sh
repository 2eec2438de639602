#!/usr/bin/env bash
# Installs what is missing, builds everything with warnings as errors and runs
# the tests. Arguments go to ctest:
#
#     tools/test.sh -R tokenizer
set -euo pipefail

# shellcheck source=tools/packages.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/packages.sh"

install_missing_packages "${build_packages[@]}" "${tool_packages[@]}" "${test_packages[@]}"
build_preset ci

cd -- "$repository" # where ctest looks for the presets
exec ctest --preset ci "$@"
