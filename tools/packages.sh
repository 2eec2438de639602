# shellcheck shell=bash
# Sourced by run.sh and test.sh: which Debian/Ubuntu packages the project
# needs, how they get installed, and how a CMake preset gets built.

# To build and run the program.
# shellcheck disable=SC2034  # read by the scripts that source this file
build_packages=(
    g++ cmake ninja-build
    libtbb-dev libeigen3-dev libcxxopts-dev libhdf5-dev libyaml-cpp-dev
    nlohmann-json3-dev libfmt-dev libssl-dev libutfcpp-dev
    libopenmpi-dev openmpi-bin
)

# In addition, for sweep.py, plot.py and look.py.
# shellcheck disable=SC2034
tool_packages=(
    python3 python3-numpy python3-h5py python3-yaml python3-rich
    python3-optuna python3-psycopg2 python3-sklearn
    python3-matplotlib python3-plotly
)

# In addition to all that, to build and run the tests.
# shellcheck disable=SC2034
test_packages=(
    libgtest-dev libgmock-dev libbenchmark-dev
    clang-format clang-tidy
    hdf5-tools iproute2 curl postgresql chromium chromium-driver python3-selenium
)

# In addition, to build the fuzz targets.
# shellcheck disable=SC2034
fuzz_packages=(clang libclang-rt-dev)

# Physical path: CMake must see the same one whichever way the script was called.
repository=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." && pwd -P)

say() {
    printf 'microgpt: %s\n' "$*" >&2
}

# Prints those of the named packages that are not installed.
missing_packages() {
    local installed package
    # dpkg-query fails as soon as one name is unknown to it, which is no error here.
    installed=$(dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null) || true
    for package in "$@"; do
        if [[ $'\n'$installed$'\n' != *$'\n'"installed $package"$'\n'* ]]; then
            printf '%s\n' "$package"
        fi
    done
}

install_missing_packages() {
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        # The libraries may well be here under other names: let CMake be the judge.
        say "not a Debian or Ubuntu system; the build needs what these Debian packages hold: $*"
        return 0
    fi

    local missing as_root=()
    mapfile -t missing < <(missing_packages "$@")
    if ((${#missing[@]} == 0)); then
        return 0
    fi

    if ((EUID != 0)); then
        as_root=(sudo)
        if [[ -n ${CI:-} ]]; then
            as_root+=(--non-interactive) # nobody is there to type a password
        fi
        if ! command -v sudo >/dev/null || ! "${as_root[@]}" true </dev/null; then
            say "packages are missing and neither root nor sudo is at hand; ask the administrator for: ${missing[*]}"
            return 1
        fi
    fi

    # dpkg needs the sbin folders, which a plain "su" leaves out of PATH.
    # The lock timeout waits for a system update that runs in the background.
    local apt_get=(
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive PATH="$PATH:/usr/sbin:/sbin"
        apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3
    )

    say "installing ${missing[*]}"
    # stdout and stdin belong to the program that is started afterwards.
    # An unreachable third-party source fails the update but need not matter.
    "${apt_get[@]}" update </dev/null >&2 || say "apt-get update failed; going on with the package lists at hand"
    if ! "${apt_get[@]}" install --no-install-recommends -y "${missing[@]}" </dev/null >&2; then
        say "the packages could not be installed; ask the administrator for: ${missing[*]}"
        return 1
    fi
}

# Prints how many compilers to run at once: one per core, but no more than the
# memory holds at 1.5 GiB each.
build_jobs() {
    local cores memory limit file jobs
    cores=$(nproc)
    memory=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null) || true
    memory=${memory:-0} # KiB
    # A container's limit (cgroup v2, v1) does not show in /proc/meminfo.
    for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
        if [[ -r $file ]] && limit=$(<"$file") && [[ $limit =~ ^[0-9]+$ ]] && ((limit / 1024 < memory)); then
            memory=$((limit / 1024))
        fi
    done
    jobs=$((memory / (1536 * 1024)))
    ((jobs <= cores)) || jobs=$cores
    ((jobs >= 1)) || jobs=1
    printf '%s\n' "$jobs"
}

# Whether the build folder was configured to the end, and for this checkout
# rather than for the one that it was moved or copied from.
is_configured() {
    local build_dir=$1 home
    [[ -f $build_dir/CMakeCache.txt && -f $build_dir/build.ninja ]] || return 1
    home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build_dir/CMakeCache.txt")
    [[ $home -ef $repository ]]
}

# Copies Ninja's output, and says so on stderr once something gets built.
announce_build() {
    local line announced=
    while IFS= read -r line; do
        if [[ -z $announced && $line =~ ^\[[1-9] ]]; then
            say "building $1"
            announced=1
        fi
        printf '%s\n' "$line"
    done
}

# Configures, where needed, and builds a preset in build/PRESET. Silent when
# up to date; shows the log on failure. The subshell keeps the caller's folder
# and ends the lock.
build_preset() (
    set -euo pipefail
    preset=$1
    build_dir=$repository/build/$preset
    log=$build_dir/build.log

    cd -- "$repository" # where CMake looks for the presets
    mkdir -p build
    # Two calls at once must not build in one folder.
    exec 9>"build/$preset.lock"
    flock 9

    is_configured "$build_dir" || rm -rf -- "$build_dir"
    # The build runs CMake again by itself, but not for what the presets set.
    if [[ ! -d $build_dir || CMakePresets.json -nt $build_dir/build.ninja ]]; then
        say "configuring build/$preset"
        mkdir -p -- "$build_dir"
        if ! cmake --preset "$preset" </dev/null >"$log" 2>&1; then
            cat -- "$log" >&2
            say "configuring build/$preset failed"
            exit 1
        fi
    fi

    if ! NINJA_STATUS='[%f/%t] ' cmake --build --preset "$preset" --parallel "$(build_jobs)" </dev/null 2>&1 |
        announce_build "build/$preset" >"$log"; then
        cat -- "$log" >&2
        say "building build/$preset failed"
        exit 1
    fi
)
