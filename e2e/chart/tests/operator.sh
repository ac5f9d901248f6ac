# shellcheck shell=bash disable=SC2154 # root, chart, scratch, ... are set in lib.sh and test
# The operator itself, beside the cluster: with the files that its pod would see and with the token of its account.

operator_values() {
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  upgrade "$chart" --set "metricsSources[0].url=$PROMETHEUS_URL" --set timing.grid=1s --set listen.address=127.0.0.1 --set "listen.port=$port" \
    --set-file "presets.engines.mine=$root/presets/engines/vllm.yaml" --set-file "profiles.llama-3\.1-8b/l40s/fp8=$(profile_file)"
}
profile_file() { find "$root/profiles" -name '*.yaml' -print -quit; }

# What the kubelet does with the projected volume of the pod.
write_mounted_files() {
  local map key path
  mkdir -p "$scratch/etc"
  kubectl get configmap inferscale --namespace inferscale-system -o json | jq -r '.data["config.yaml"]' |
    sed "s#/etc/inferscale/#$scratch/etc/#" >"$scratch/etc/config.yaml" || return 1
  kubectl get deployment inferscale --namespace inferscale-system -o json | jq -r '.spec.template.spec.volumes[] | select(.name == "config")
    | .projected.sources[].configMap | .name as $name | .items[]? | [$name, .key, .path] | @tsv' >"$scratch/mounts" || return 1
  while read -r map key path; do
    mkdir -p "$scratch/etc/$(dirname "$path")"
    kubectl get configmap "$map" --namespace inferscale-system -o json | jq -r --arg key "$key" '.data[$key]' >"$scratch/etc/$path"
    echo "$path"
  done <"$scratch/mounts"
  [ "$(wc -l <"$scratch/mounts")" = 2 ]
}

operator_gets_ready() {
  "$here/kubeconfig" >"$scratch/operator.kubeconfig" || return 1
  KUBECONFIG="$scratch/operator.kubeconfig" "$operator" operator --config "$scratch/etc/config.yaml" >"$scratch/operator.log" 2>&1 &
  background=$!
  within 30 answers /readyz || { cat "$scratch/operator.log"; return 1; }
  within 10 answers /livez && within 10 answers /metrics
}
answers() { # path
  python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=2).read().decode()[:500])' "http://127.0.0.1:$port$1"
}

operator_decides() { [ -n "$(kubectl get infd chat --namespace default -o jsonpath='{.status.decision.reason}')" ]; }

operator_was_refused_nothing() {
  jq -r --arg user "$account" --argjson since "$began_operator" 'select(.user.username == $user)
    | select((.requestReceivedTimestamp | sub("[.].*"; "Z") | fromdate) >= $since)
    | [.responseStatus.code, .verb, .objectRef.apiGroup, .objectRef.resource, .objectRef.subresource] | @tsv' "$AUDIT_LOG" | sort | uniq -c | tee "$scratch/requests"
  grep -q 'watch.*pods' "$scratch/requests" && ! grep -E '^ *[0-9]+ 403' "$scratch/requests"
}

operator_stops() {
  kill -TERM "$background" && wait "$background"
  local status=$?
  background=
  tail -n 3 "$scratch/operator.log"
  return $status
}

test_operator() {
  if [ ! -x "$operator" ]; then
    echo "SKIPPED           the operator with this configuration and these rights: $operator is not there; cargo build, or --operator FILE"
    return
  fi
  began_operator=$(date +%s)
  check "upgrade to the values of this cluster" operator_values
  check "its pod would see the configuration, a preset and a profile" write_mounted_files
  check "the operator gets ready with them and the token of its account" operator_gets_ready
  check "and decides" within 15 operator_decides
  check "no request of it was refused" operator_was_refused_nothing
  check "it stops when asked to" operator_stops
}
