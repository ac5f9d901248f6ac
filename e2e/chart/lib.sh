# shellcheck shell=bash
# Shared by render, kubeconfig and test: where things lie, and messages.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck disable=SC2034 # used by the scripts that source this
chart="$root/charts/inferscale"
program=${0##*/}
PATH="$("$root/e2e/cluster/build" --path):$PATH"
export PATH

say() { printf '%s: %s\n' "$program" "$*" >&2; }

die() {
  say "$*"
  exit 1
}

# Prints the comment block at the top of the calling script.
usage() {
  sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"
}

usage_error() {
  say "$*"
  usage >&2
  exit 2
}
