#!/usr/bin/env bash
# Installs what is missing, builds the program and runs it with the arguments
# given, in the caller's current folder:
#
#     tools/run.sh --config small.cfg --threads 8
set -euo pipefail

# shellcheck source=tools/packages.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/packages.sh"

install_missing_packages "${build_packages[@]}"
build_preset release

exec "$repository/build/release/microgpt" "$@"
