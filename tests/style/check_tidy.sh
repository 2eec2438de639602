#!/usr/bin/env bash
# check_tidy.sh SOURCE BUILD: fails where clang-tidy finds something in src or tools/bench (see their
# .clang-tidy). BUILD holds compile_commands.json. A source that was clean and has not changed since,
# nor any header, is not asked again. (The commands are those of the compiler in use, which may know
# other options.)
set -euo pipefail
source_dir=$1
build_dir=$2
stamp=$build_dir/tidy.stamp

if [[ -f $stamp ]] && [[ -z $(find "$source_dir"/{src,include,tools/bench,.clang-tidy} "$build_dir/compile_commands.json" \
    -newer "$stamp" -type f -print -quit) ]]; then
    echo "unchanged since the last clean run"
    exit 0
fi
touch "$stamp.begun"  # what is edited from now on has not been seen
# For the tiles of the kernels, which are long but have few branches, the analyzer's usual number of
# states of a function means minutes.
analyzer=(-Xclang -analyzer-config -Xclang max-nodes=50000)
mapfile -t files < <(find "$source_dir"/{src,tools/bench} -name '*.cpp' | sort)
printf '%s\0' "${files[@]}" |
    xargs -0 -n 1 -P "$(nproc)" clang-tidy -p "$build_dir" --quiet --warnings-as-errors='*' \
        --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-unused-command-line-argument \
        "${analyzer[@]/#/--extra-arg=}"
mv "$stamp.begun" "$stamp"
