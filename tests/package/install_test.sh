#!/usr/bin/env bash
# install_test.sh BUILD CONSUMER GENERATOR COMPILER: installs BUILD into a temporary folder, runs the
# installed program with an installed config, and builds and runs CONSUMER against the installed
# library.
set -euo pipefail
build_dir=$1
consumer=$2
generator=$3
compiler=$4
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT

cmake --install "$build_dir" --prefix "$work/prefix" >/dev/null
cd -- "$work"
prefix/bin/microgpt --config small.cfg --set num_steps=3 --threads 2 >output.txt
grep -q '^step    3 /    3 | loss ' output.txt
test -f runs/small-1/step-00000003.h5

cmake -S "$consumer" -B consumer -G "$generator" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build consumer >/dev/null
./consumer/consumer prefix/share/microgpt/configs/small.cfg
