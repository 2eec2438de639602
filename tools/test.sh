#!/usr/bin/env bash
# Builds everything and runs the tests; see --help.
set -euo pipefail

# shellcheck source=tools/packages.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/packages.sh"

usage() {
    cat <<'TEXT'
Usage: tools/test.sh [--preset NAME] [CTEST OPTION...]

Installs what is missing, builds everything with warnings as errors and runs
the tests.

  --preset NAME  test another build than ci: asan-ubsan or tsan (the tests of
                 library and program under sanitizers), fuzz (a minute of
                 libFuzzer for each reader) or debug; before all other options
  --help         show this text; ctest --help shows what ctest takes

Examples:
  tools/test.sh -R tokenizer
  tools/test.sh --preset asan-ubsan -R checkpoint
TEXT
}

if [[ ${1:-} == --help || ${1:-} == -h ]]; then
    usage
    exit
fi

preset=ci
if [[ ${1:-} == --preset ]]; then
    preset=${2:-}
    case $preset in
        ci | asan-ubsan | tsan | fuzz | debug) shift 2 ;;
        *)
            say "--preset '$preset' is none of: ci, asan-ubsan, tsan, fuzz, debug"
            exit 2
            ;;
    esac
fi

packages=("${build_packages[@]}" "${tool_packages[@]}" "${test_packages[@]}")
if [[ $preset == fuzz ]]; then
    packages+=("${fuzz_packages[@]}")
fi
install_missing_packages "${packages[@]}"
build_preset "$preset"

cd -- "$repository" # where ctest looks for the presets
exec ctest --preset "$preset" "$@"
