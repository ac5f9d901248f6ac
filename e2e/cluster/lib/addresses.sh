# shellcheck shell=bash disable=SC2154,SC2034 # the variables that all files share are set in lib.sh
# Which part of loopback a cluster's pods live in: a /16 of 127.0.0.0/8 that nobody else on the machine uses, so
# that two clusters at once never hand out the same pod address.

# Second octets given to a running KWOK, whoever started it.
octets_of_clusters() {
  cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | sed -n 's/^\(--cidr=\)\{0,1\}127\.\([0-9]*\)\.0\.0\/16$/\2/p'
}

# Does a program listen on an address of 127.OCTET.0.0/16? The kernel prints addresses as little-endian hex; 0A is
# the state "listening".
is_listened_on() { # octet
  grep -qsE "^ *[0-9]+: [0-9A-F]{4}$(printf '%02X' "$1")7F:[0-9A-F]{4} [0-9A-F:]+ 0A " /proc/net/tcp
}

free_cidr() {
  local octet taken
  taken=$(octets_of_clusters)
  for octet in {128..254}; do
    grep -qx "$octet" <<<"$taken" && continue
    is_listened_on "$octet" && continue
    echo "127.$octet.0.0/16"
    return
  done
  die "no free pod addresses: every 127.128.0.0/16 to 127.254.0.0/16 is in use; end some clusters (e2e/cluster/down --name NAME)"
}

check_cidr() { # value given by the user
  if [[ $1 =~ ^127\.([1-9][0-9]{0,2})\.0\.0/16$ ]] && ((BASH_REMATCH[1] <= 254)); then return; fi
  usage_error "--cidr '$1' is not a /16 of loopback: use 127.N.0.0/16 with N from 1 to 254, for example 127.140.0.0/16"
}
