#!/usr/bin/env bash
# Fetches the well-known list of 32,033 names and keeps it only when its digest is right.
set -euo pipefail

# A pinned revision: the list behind a branch name could change under the digest.
url='https://raw.githubusercontent.com/karpathy/makemore/988aa59e4d8fefa526d06f3b453ad116258398d4/names.txt'
digest='0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d'

usage() {
  cat <<'TEXT'
Usage: tools/fetch_names.sh [--url URL] [--output FILE]

Downloads the well-known list of 32,033 names and checks its SHA-256.

  --url URL      where to get the list (default: karpathy/makemore on GitHub);
                 file:// URLs work too
  --output FILE  where to write it (default: data/names-32k.txt in this repository)
  --help         show this text

Examples:
  tools/fetch_names.sh
  tools/fetch_names.sh --output /tmp/names.txt
  tools/fetch_names.sh --url file:///home/me/names.txt

Exit status: 0 the list is in place, 1 it could not be fetched, 2 bad usage.
TEXT
}

fail() {
  printf 'fetch_names: error: %s\n' "$1" >&2
  exit 1
}

fail_usage() {
  printf "fetch_names: error: %s; see 'tools/fetch_names.sh --help'\n" "$1" >&2
  exit 2
}

# Reading from standard input keeps odd file names out of sha256sum's output.
digest_of() {
  sha256sum < "$1" | cut -d ' ' -f 1
}

output=''
while (($# > 0)); do
  case $1 in
    --help | -h)
      usage
      exit 0
      ;;
    --url | --output)
      if [[ -z ${2-} || $2 == --* ]]; then
        fail_usage "$1 needs a value"
      fi
      if [[ $1 == --url ]]; then url=$2; else output=$2; fi
      shift 2
      ;;
    -*) fail_usage "unknown option '$1'" ;;
    *) fail_usage "unexpected argument '$1'" ;;
  esac
done

command -v sha256sum > /dev/null || fail "sha256sum is missing; install GNU coreutils"

if [[ -z $output ]]; then
  root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
  output=$root/data/names-32k.txt
fi
folder=$(dirname -- "$output")

[[ ! -d $output && $output != */ ]] || fail_usage "--output '$output' is a folder; name a file in it"
[[ ! -e $output || -f $output ]] || fail_usage "--output '$output' is not a regular file; name another"
[[ -d $folder ]] || fail_usage "--output '$output': the folder '$folder' does not exist; create it or name another"

if [[ -r $output && $(digest_of "$output") == "$digest" ]]; then
  printf '%s is already there with the right digest\n' "$output"
  exit 0
fi

command -v curl > /dev/null || fail "curl is missing; install curl"

# In the destination folder, so that the last step is a rename within one file system.
temporary=$(mktemp -- "$folder/.fetch_names.XXXXXX" 2> /dev/null) ||
  fail "cannot write in the folder '$folder'; pass another --output"
trap 'rm -f -- "$temporary"' EXIT

if ! reason=$(curl --fail --silent --show-error --location --globoff \
  --retry 3 --connect-timeout 15 --max-time 300 \
  --output "$temporary" --url "$url" 2>&1); then
  fail "cannot download $url (${reason##*$'\n'}); check the network or pass another --url"
fi

found=$(digest_of "$temporary")
[[ $found == "$digest" ]] ||
  fail "$url has SHA-256 $found, not $digest; nothing was kept, try again or pass another --url"

# mktemp makes a private file; without a who letter, chmod follows the umask.
chmod '=rw' "$temporary"
mv -f -- "$temporary" "$output" || fail "cannot write '$output'; pass another --output"
printf 'wrote %s\n' "$output"
