# shellcheck shell=bash disable=SC2154,SC2034 # the variables that all files share are set in lib.sh
# Starting, recognising and stopping the processes of one cluster. A process is ours when three things agree: the
# recorded pid, its start time (a reused pid has another one), and the cluster's folder in its command line.

# Clock ticks between boot and the start of a process; fails for one that is gone or a zombie.
start_ticks() { # pid
  local stat
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  stat=${stat##*) } # the name before it may hold spaces
  local -a field
  read -ra field <<<"$stat"
  [[ ${field[0]} != [ZX] ]] || return 1
  echo "${field[19]}"
}

declare -A launched # when, in ms, by component

# Runs a program of the cluster in the background, in a session of its own, with its log and pid file. The child
# writes its pid file before it becomes the program: no moment in which it runs and is not on record.
launch() { # name program arguments...
  local name=$1
  shift
  launched[$name]=$(now_ms)
  rm -f "$dir/pids/$name"
  (
    self=$BASHPID # before the next substitution, which is a process of its own
    printf '%s %s\n' "$self" "$(start_ticks "$self")" >"$dir/pids/.$name"
    mv "$dir/pids/.$name" "$dir/pids/$name"
    exec 6>&- 7>&- 8>&-
    exec setsid "$@"
  ) >"$dir/logs/$name.log" 2>&1 </dev/null &
  until [ -e "$dir/pids/$name" ]; do sleep 0.01; done
}

# Prints the pid of a component when it runs and is ours.
pid_of() { # name
  local pid ticks actual try
  { read -r pid ticks <"$dir/pids/$1"; } 2>/dev/null || return 1
  for try in 1 2 3; do # a child just started still shows the command line of its parent
    actual=$(start_ticks "$pid") && [ "$actual" = "$ticks" ] || return 1
    if grep -qzF -- "$dir/" "/proc/$pid/cmdline" 2>/dev/null; then
      echo "$pid"
      return 0
    fi
    [ "$try" = 3 ] || sleep 0.05
  done
  return 1
}

is_running() { pid_of "$1" >/dev/null; }

# Stops the named components: TERM to all, KILL after two seconds (their data is thrown away anyway). Leaves out
# the calling process, so that the watchdog can do it.
stop() { # names...
  local component pid deadline
  local -A pids=()
  for component in "$@"; do
    if pid=$(pid_of "$component") && [ "$pid" != $$ ]; then
      pids[$component]=$pid
      kill -TERM "$pid" 2>/dev/null || true
    fi
  done
  deadline=$(($(now_ms) + 2000))
  for component in "${!pids[@]}"; do
    while is_running "$component" && (($(now_ms) < deadline)); do sleep 0.05; done
    if pid=$(pid_of "$component"); then
      kill -KILL "$pid" 2>/dev/null || true
      while is_running "$component"; do sleep 0.02; done
    fi
  done
  for component in "$@"; do rm -f "$dir/pids/$component"; done
}

# Clients before servers: the other way round each of them would wait for its peer.
stop_all() {
  stop watchdog prometheus kwok kube-scheduler kube-controller-manager
  stop kube-apiserver
  stop etcd
}

# A free loopback port below the range from which the kernel takes ports of outgoing connections, and not given to
# another component of this cluster. Another program may still take it first: see `settle`.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    grep -qs "$(printf ':%04X ' $port)" /proc/net/tcp /proc/net/tcp6 && continue
    grep -qsx "$port" "$dir"/ports/* && continue
    echo $port
    return
  done
}

take_port() { # name -> chooses a port and records it
  free_port >"$dir/ports/$1"
}

port_of() { cat "$dir/ports/$1"; }

# Does plain HTTP on loopback answer 200?
http_ok() { # port path
  (
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$2" >&3
    read -r -t 2 reply <&3
    [[ $reply == *" 200 "* ]]
  ) 2>/dev/null
}

# Waits until a component's check passes; fails when it has ended or the time is over.
await() { # name seconds
  local deadline=$(($(now_ms) + $2 * 1000))
  until "check-$1"; do
    is_running "$1" || return 1
    (($(now_ms) < deadline)) || return 1
    sleep 0.05
  done
}

# Waits for a launched component; launches it anew when somebody else took its port in between. Says how long it
# took, or shows the end of its log and fails.
settle() { # name seconds
  local component=$1 limit=$2 attempt
  for attempt in 1 2 3; do
    if await "$component" "$limit"; then
      say "$(printf '%-24s ready after %s s' "$component" "$(seconds $(($(now_ms) - launched[$component])))")"
      return
    fi
    if is_running "$component" || ! grep -qs 'address already in use' "$dir/logs/$component.log"; then break; fi
    say "$component: its port was taken by another program (attempt $attempt of 3)"
    "launch-$component"
  done
  local what="is not ready after $limit s"
  is_running "$component" || what="has ended"
  say "$component $what; the end of $dir/logs/$component.log:"
  tail -n 25 "$dir/logs/$component.log" >&2 || true
  return 1
}
