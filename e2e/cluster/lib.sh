# shellcheck shell=bash
# Shared by up, down, status, nodes, prometheus and watchdog: which cluster is meant, where its files lie,
# messages and locks; the rest is in lib/. Needs Linux (/proc), bash, util-linux (flock, setsid) and coreutils.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=lib/processes.sh
. "$here/lib/processes.sh"
# shellcheck source=lib/addresses.sh
. "$here/lib/addresses.sh"
# shellcheck source=lib/credentials.sh
. "$here/lib/credentials.sh"
# shellcheck source=lib/components.sh
. "$here/lib/components.sh"
# shellcheck source=lib/monitoring.sh
. "$here/lib/monitoring.sh"

cache="${XDG_CACHE_HOME:-$HOME/.cache}/inferscale"
bin="$cache/bin"
export PATH="$bin:$PATH"
program=${0##*/}

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

# milliseconds since the epoch, without starting a program
now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# "1.2" for a time in milliseconds
seconds() { printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100)); }

# Sets `name` and `dir`. A name given as an option wins over INFERSCALE_CLUSTER_DIR: a shell that has sourced
# one cluster's env file can still talk about another cluster.
select_cluster() {
  local wanted=$1
  if [ -n "$wanted" ]; then
    [[ $wanted =~ ^[a-z0-9][a-z0-9-]{0,39}$ ]] ||
      usage_error "--name '$wanted' is not a cluster name: use 1-40 of a-z, 0-9 and '-', for example --name demo"
    dir="$cache/clusters/$wanted"
  else
    dir="${INFERSCALE_CLUSTER_DIR:-$cache/clusters/default}"
  fi
  dir=$(realpath -m -- "$dir")
  # It ends up in KUBECONFIG, in YAML and in shell quotes.
  [[ $dir =~ ^[A-Za-z0-9/._+@-]+$ ]] ||
    usage_error "the folder '$dir' has a character that is none of A-Z a-z 0-9 / . _ + @ -: name another one in INFERSCALE_CLUSTER_DIR"
  name=${dir##*/}
}

# Only a folder with this mark is ever removed or written into.
mark() { echo "$dir/.inferscale-cluster"; }

# One `up` or `down` at a time for one cluster. The lock lies beside the folder, which comes and goes. `down`
# removes it while it holds it, so after waiting the file may be another one: then try again.
lock_cluster() { # seconds to wait
  mkdir -p "$(dirname "$dir")"
  while :; do
    exec 8>"$dir.lock"
    flock -w "$1" 8 || die "another command has been busy with $dir for $1 s; wait for it or end it"
    [ "$dir.lock" -ef /proc/self/fd/8 ] && return
  done
}

unlock_cluster() {
  rm -f "$dir.lock"
  exec 8>&-
}

# One cluster starts at a time on a machine: the choice of pod addresses must see what the others took.
lock_machine() {
  exec 7>>"/tmp/inferscale-start-$UID.lock"
  flock -w 120 7 || die "another cluster has been starting for 120 s; look for a hanging e2e/cluster/up"
}

unlock_machine() { exec 7>&-; }

# Removes the state folder; "keep" leaves the logs.
remove_state() {
  [ -e "$(mark)" ] || return 0
  if [ "${1:-}" = keep ]; then
    find "$dir" -mindepth 1 -maxdepth 1 ! -name logs ! -name "$(basename "$(mark)")" -exec rm -rf {} +
  else
    rm -rf "$dir"
  fi
}

# The file to `source`: one `export KEY='value'` a line, so that other programs can read it too.
write_env() {
  local target="$dir/env"
  {
    printf "export INFERSCALE_CLUSTER_DIR='%s'\n" "$dir"
    printf "export INFERSCALE_CLUSTER_NAME='%s'\n" "$name"
    printf "export INFERSCALE_BIN='%s'\n" "$bin"
    printf "export KUBECONFIG='%s'\n" "$dir/kubeconfig"
    printf "export AUDIT_LOG='%s'\n" "$dir/logs/audit.log"
    printf "export POD_CIDR='%s'\n" "$(<"$dir/cidr")"
    if [ -e "$dir/ports/prometheus" ]; then
      printf "export PROMETHEUS_URL='http://127.0.0.1:%s'\n" "$(<"$dir/ports/prometheus")"
      printf "export PROMETHEUS_TARGETS='%s'\n" "$dir/targets"
    fi
    # shellcheck disable=SC2016 # expanded by whoever sources the file
    printf 'export PATH="$INFERSCALE_BIN:$PATH"\n'
  } >"$target.part"
  mv "$target.part" "$target"
}
