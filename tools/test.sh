#!/usr/bin/env bash
# Installs what is missing, builds everything with warnings as errors and runs
# the tests. Arguments go to ctest:
#
#     tools/test.sh -R tokenizer
#
# With --preset first, tests another build: asan-ubsan or tsan (the same tests
# under sanitizers), fuzz (a minute of libFuzzer for each reader) or debug:
#
#     tools/test.sh --preset asan-ubsan -R checkpoint
set -euo pipefail

# shellcheck source=tools/packages.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/packages.sh"

preset=ci
if [[ ${1:-} == --preset ]]; then
    if [[ -z ${2:-} ]]; then
        say "--preset needs a name: ci, asan-ubsan, tsan, fuzz or debug"
        exit 2
    fi
    preset=$2
    shift 2
fi

packages=("${build_packages[@]}" "${tool_packages[@]}" "${test_packages[@]}")
if [[ $preset == fuzz ]]; then
    packages+=("${fuzz_packages[@]}")
fi
install_missing_packages "${packages[@]}"
build_preset "$preset"

cd -- "$repository" # where ctest looks for the presets
exec ctest --preset "$preset" "$@"
