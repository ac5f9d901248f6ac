# shellcheck shell=bash disable=SC2154,SC2034 # the variables that all files share are set in lib.sh
# The programs of the control plane: for each a `launch-NAME` and a `check-NAME`, used by `settle`.

components=(etcd kube-apiserver kube-controller-manager kube-scheduler kwok)

check_timeout=3s # a server that hangs counts as one that does not answer

kubectl() { command kubectl --kubeconfig "$dir/kubeconfig" --cache-dir "$dir/kubectl-cache" "$@"; }

launch-etcd() {
  take_port etcd
  take_port etcd-peer
  local client peer
  client="http://127.0.0.1:$(port_of etcd)"
  peer="http://127.0.0.1:$(port_of etcd-peer)"
  # The data lives as long as the cluster: nothing to protect from a power cut.
  launch etcd "$bin/etcd" --name local --data-dir "$dir/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "local=$peer"
}

check-etcd() { http_ok "$(port_of etcd)" /health; }

launch-kube-apiserver() {
  take_port kube-apiserver
  write_kubeconfigs
  launch kube-apiserver "$bin/kube-apiserver" \
    --etcd-servers "http://127.0.0.1:$(port_of etcd)" \
    --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$(port_of kube-apiserver)" \
    --endpoint-reconciler-type none --service-cluster-ip-range 10.0.0.0/16 \
    --authorization-mode RBAC \
    --tls-cert-file "$dir/pki/server.crt" --tls-private-key-file "$dir/pki/server.key" \
    --client-ca-file "$dir/pki/ca.crt" \
    --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$dir/pki/service-account.pub" \
    --service-account-signing-key-file "$dir/pki/service-account.key" \
    --audit-policy-file "$here/audit-policy.yaml" --audit-log-path "$dir/logs/audit.log" \
    --audit-log-maxsize 2000 \
    --profiling=false
}

check-kube-apiserver() { kubectl get --raw /readyz --request-timeout $check_timeout >/dev/null 2>&1; }

# Arguments that the two programs with a secured port of their own have in common. The request limits are raised
# (default 20/s and 50/s): hundreds of objects at once are part of the tests.
controller_arguments() { # name
  printf '%s\n' --kubeconfig "$dir/kubeconfigs/$1" --authentication-kubeconfig "$dir/kubeconfigs/$1" \
    --authorization-kubeconfig "$dir/kubeconfigs/$1" --leader-elect=false --profiling=false \
    --bind-address 127.0.0.1 --secure-port "$(port_of "$1")" \
    --tls-cert-file "$dir/pki/server.crt" --tls-private-key-file "$dir/pki/server.key"
}

launch-kube-controller-manager() {
  take_port kube-controller-manager
  local -a arguments
  mapfile -t arguments < <(controller_arguments kube-controller-manager)
  launch kube-controller-manager "$bin/kube-controller-manager" "${arguments[@]}" \
    --service-account-private-key-file "$dir/pki/service-account.key" --root-ca-file "$dir/pki/ca.crt" \
    --use-service-account-credentials --kube-api-qps 200 --kube-api-burst 400
}

# Without the service account no pod can be created, and the controller manager makes it.
check-kube-controller-manager() { kubectl get serviceaccount default -n default --request-timeout $check_timeout >/dev/null 2>&1; }

launch-kube-scheduler() {
  take_port kube-scheduler
  local -a arguments
  mapfile -t arguments < <(controller_arguments kube-scheduler)
  launch kube-scheduler "$bin/kube-scheduler" "${arguments[@]}" --kube-api-qps 200 --kube-api-burst 400
}

check-kube-scheduler() {
  kubectl --server "https://127.0.0.1:$(port_of kube-scheduler)" get --raw /readyz \
    --request-timeout $check_timeout >/dev/null 2>&1
}

launch-kwok() {
  take_port kwok
  local stage
  local -a stages=()
  for stage in "$here"/kwok/*.yaml; do stages+=(--config "$stage"); done
  launch kwok "$bin/kwok" --kubeconfig "$dir/kubeconfigs/kwok" \
    --manage-all-nodes=false --manage-nodes-with-annotation-selector kwok.x-k8s.io/node=fake \
    --cidr "$(<"$dir/cidr")" --node-ip 127.0.0.1 --node-lease-duration-seconds 40 \
    --server-address "127.0.0.1:$(port_of kwok)" "${stages[@]}"
}

check-kwok() { http_ok "$(port_of kwok)" /healthz; }

# Prints what is wrong with the cluster in $dir, one line a fault; nothing when it is healthy.
faults() {
  local component
  if [ ! -e "$(mark)" ]; then
    echo "there is no cluster"
    return
  elif [ ! -e "$dir/env" ]; then
    echo "its start was interrupted"
    return
  fi
  local fault=no
  for component in "${components[@]}"; do
    is_running "$component" && continue
    echo "$component does not run"
    fault=yes
  done
  [ $fault = no ] || return 0
  for component in "${components[@]}"; do
    "check-$component" && continue
    echo "$component does not answer"
    return # the next ones depend on it
  done
}
