# shellcheck shell=bash disable=SC2034 # the variables are for those who source this
# Shared by the scripts in this folder: where things lie, messages, waiting. Needs Linux, bash and util-linux.
set -euo pipefail

engines=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$engines/../.." && pwd)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/inferscale"
program=${0##*/}

# vLLM for CPU: a community build of the same source, published under its own name. It asks for torch 2.13.0+cpu,
# which is not on the package index; the ordinary build of 2.13.0 has the same ABI.
vllm_version=0.32.0
torch_version=2.13.0
vllm="$cache/engines/vllm-$vllm_version"

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

# Repeats a command until it succeeds; runs it a last time in the open when the time is over.
within() { # seconds command...
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if ((SECONDS >= end)); then "$@"; return; fi
    sleep 0.5
  done
}

# Does plain HTTP answer 200?
http_ok() { # address port path
  (
    exec 3<>"/dev/tcp/$1/$2"
    printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$3" >&3
    read -r -t 2 reply <&3
    [[ $reply == *" 200 "* ]]
  ) 2>/dev/null
}
