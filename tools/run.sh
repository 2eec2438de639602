#!/usr/bin/env bash
# Installs what is missing, builds the program and runs it with the arguments
# given, in the caller's current folder:
#
#     tools/run.sh --config small.cfg --threads 8
#
# With --tools, installs what sweep.py, plot.py and look.py need and builds the
# program that they run:
#
#     tools/run.sh --tools
set -euo pipefail

# shellcheck source=tools/packages.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/packages.sh"

if [[ $# == 1 && $1 == --tools ]]; then
    install_missing_packages "${build_packages[@]}" "${tool_packages[@]}"
    build_preset release
    exit
fi

install_missing_packages "${build_packages[@]}"
build_preset release

exec "$repository/build/release/microgpt" "$@"
