# shellcheck shell=bash disable=SC2154,SC2034 # some variables are set in lib.sh, others used by the tests
# Shared by the tests in this folder and process-node's: counts checks, starts a cluster of their own, cleans up.

passed=0 failed=0 begun=$SECONDS
scratch=$(mktemp -d "${TMPDIR:-/tmp}/inferscale-test.XXXXXX")
cluster=""    # set by start_cluster
background=() # processes of this test, in the order of their start

clean_up() {
  local status=$? pid
  trap - EXIT
  trap '' INT TERM HUP
  for pid in "${background[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${background[@]}"; do
    for _ in {1..150}; do # 15 s: engines finish what they have begun
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
  done
  if [ -n "$cluster" ]; then "$repository/e2e/cluster/down" --name "$cluster" 2>>"$scratch/log" || true; fi
  if [ "$failed" -gt 0 ] || { [ $status != 0 ] && [ $status != 130 ]; }; then
    say "the logs are in $scratch; the end of each:"
    tail -n 15 "$scratch"/log "$scratch"/*.log >&2 2>/dev/null || true
  else
    rm -rf "$scratch"
  fi
  exit $status
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# Runs a check and counts it; the output of a failed one is shown.
check() { # description command...
  local what=$1 started verdict=ok
  shift
  started=$(now_ms)
  if "$@" >"$scratch/out" 2>&1; then passed=$((passed + 1)); else verdict=FAILED failed=$((failed + 1)); fi
  printf '%-6s %7d ms  %s\n' "$verdict" $(($(now_ms) - started)) "$what"
  if [ "$verdict" = FAILED ]; then tail -n 40 "$scratch/out" | sed 's/^/         /'; fi
}

# A check without which the others make no sense.
must() { # description command...
  local before=$failed
  check "$@"
  [ "$failed" = "$before" ] || finish
}

# Prints the sum; ends the test.
finish() {
  echo "took $((SECONDS - begun)) s"
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
  exit
}

refuses() { # expected exit status, text, command...
  local expected=$1 text=$2 status=0 output
  shift 2
  output=$("$@" 2>&1) || status=$?
  echo "exit $status: $output"
  [ "$status" = "$expected" ] && [[ $output == *"$text"* ]]
}

need() { # tools...
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || die "$tool is missing: on Debian, apt-get install $tool"
  done
}

# Builds a program of the workspace; prints its path.
built() { # package
  (cd "$repository" && cargo build --quiet --workspace --bin "$1") >&2 || die "cargo build --bin $1 failed"
  echo "${CARGO_TARGET_DIR:-$repository/target}/debug/$1"
}

# A cluster that goes with this test, however it ends. Sets `cluster` and the variables of its env file.
start_cluster() { # name [up's options]
  local name=$1
  shift
  cluster=$name
  unset INFERSCALE_CLUSTER_DIR KUBECONFIG
  local env
  env=$("$repository/e2e/cluster/up" --name "$cluster" --owner $$ "$@" 2>"$scratch/log") || die "the cluster does not start"
  # shellcheck source=/dev/null
  . "$env"
}
