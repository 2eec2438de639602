#!/usr/bin/env bash
# Builds the benchmark and runs it: a table of every shape with 1, 2, 4, ...
# threads, and then the times of whole runs of the program. Arguments go to the
# benchmark:
#
#     tools/bench/run.sh --shapes A,D --threads 1,2 --json bench.json
set -euo pipefail

# shellcheck source=tools/packages.sh
source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/../packages.sh"

install_missing_packages "${build_packages[@]}" libbenchmark-dev python3
build_preset bench

"$repository/build/bench/microgpt_bench" "$@"
if (($# == 0)); then
    python3 "$repository/tools/bench/whole_runs.py" "$repository/build/bench/microgpt"
fi
