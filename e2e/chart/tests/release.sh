# shellcheck shell=bash disable=SC2154 # root, chart, scratch, ... are set in lib.sh and test
# The life of a release on a real API server: install, upgrade, rollback, uninstall, install again.
# The pods are not run here, only scheduled and admitted; the cluster tests run the operator with its token.

values=(--namespace inferscale-system --values "$chart/ci/default.yaml")

install() { helm install inferscale "${1:-$chart}" "${values[@]}" --wait --timeout 60s "${@:2}"; }
upgrade() { helm upgrade inferscale "${1:-$chart}" "${values[@]}" --wait --timeout 60s "${@:2}"; }

# Pods that do not meet the strictest standard are refused in this namespace.
make_namespace() {
  kubectl create namespace inferscale-system &&
    kubectl label namespace inferscale-system pod-security.kubernetes.io/enforce=restricted &&
    within 10 kubectl get serviceaccount default --namespace inferscale-system &&
    refuses 1 'violates PodSecurity "restricted' kubectl run loose --image none --namespace inferscale-system
}

install_prints_next_steps() {
  install | tee "$scratch/notes"
  grep -q 'rollout status deployment/inferscale' "$scratch/notes" && grep -q 'kubectl get infd --all-namespaces' "$scratch/notes"
}

steps_of_the_notes_work() {
  kubectl --namespace inferscale-system rollout status deployment/inferscale --timeout 20s &&
    sed -n '/apply -f - <<YAML/,/^ *YAML$/p' "$scratch/notes" | sed '1d;$d;s/^   //' | kubectl apply -f - &&
    kubectl get infd --all-namespaces && kubectl describe infd chat --namespace default
}

a_model_serves() {
  kubectl apply -f - <<'YAML'
apiVersion: apps/v1
kind: Deployment
metadata: {name: chat, namespace: default}
spec:
  replicas: 1
  selector: {matchLabels: {app: chat}}
  template:
    metadata: {labels: {app: chat}}
    spec:
      containers: [{name: engine, image: none, resources: {limits: {nvidia.com/gpu: "1"}}}]
---
apiVersion: inferscale.dev/v1alpha1
kind: GpuPool
metadata: {name: a100}
spec:
  accelerator: {vendor: NVIDIA, product: A100-SXM4-80GB, memory: 80Gi, resource: nvidia.com/gpu, perNode: 8}
  nodeSelector: {inferscale.dev/pool: a100}
  price: {perAcceleratorHour: "2.50"}
YAML
  kubectl rollout status deployment/chat --namespace default --timeout 20s
}

config() { kubectl get configmap inferscale --namespace inferscale-system -o jsonpath='{.data.config\.yaml}'; }
pod() { kubectl get pods --namespace inferscale-system -l app.kubernetes.io/instance=inferscale -o jsonpath='{.items[*].metadata.name}'; }

upgrade_changes_values() {
  local before
  before=$(pod)
  upgrade "$chart" --set timing.grid=20s \
    --set-json 'scaleTargets=[{"group": "leaderworkerset.x-k8s.io", "resources": ["leaderworkersets"]}]' && config | grep 'grid: 20s' &&
    has_right "$account" update leaderworkersets.leaderworkerset.x-k8s.io/scale yes || return 1
  echo "pod: $before, then $(pod)"
  within 10 only_pod_is_not "$before"
}
only_pod_is_not() { [ "$(pod | wc -w)" = 1 ] && [ "$(pod)" != "$1" ]; }

# Helm's own crds/ folder would leave the old definition in place.
upgrade_changes_definitions() {
  cp -R "$chart" "$scratch/newer"
  sed -i 's/  - infd$/  - infd\n    - model/' "$scratch/newer/files/crds/inferscale.dev_inferencedeployments.yaml"
  upgrade "$scratch/newer" && within 10 kubectl get model chat --namespace default
}

rollback_restores() {
  helm rollback inferscale 1 --namespace inferscale-system --wait --timeout 60s && config | grep 'grid: 15s' &&
    has_right "$account" update leaderworkersets.leaderworkerset.x-k8s.io/scale no
}

refused_upgrade_changes_nothing() {
  local before
  before=$(config)
  refuses 1 'is longer than grid' upgrade "$chart" --set timing.tick=1m && [ "$(config)" = "$before" ] &&
    helm status inferscale --namespace inferscale-system | grep 'STATUS: deployed'
}

uninstall() {
  helm uninstall inferscale --namespace inferscale-system --wait --timeout 60s || return 1
  kubectl get deployments,configmaps,services,serviceaccounts --namespace inferscale-system -l app.kubernetes.io/name=inferscale -o name | tee "$scratch/left"
  kubectl get clusterroles,clusterrolebindings -l app.kubernetes.io/name=inferscale -o name | tee -a "$scratch/left"
  [ ! -s "$scratch/left" ]
}

workload_serves_on() {
  [ "$(kubectl get deployment chat --namespace default -o jsonpath='{.status.readyReplicas}')" = 2 ]
}

statuses() { kubectl get infd,gpupools --all-namespaces -o json | jq -e '[.items[] | {kind, name: .metadata.name, status}] | select(length == 2)'; }
remember_status() { statuses >"$scratch/statuses" && jq -e 'all(.status.replicas.desired == 2 or .status.accelerators.total > 0)' "$scratch/statuses"; }
objects_keep_their_status() { statuses | diff -u "$scratch/statuses" -; }

without_definitions() {
  upgrade "$chart" --set crds.enabled=false && kubectl get crd inferencedeployments.inferscale.dev gpupools.inferscale.dev &&
    objects_keep_their_status
}

second_release_is_refused() { # two operators would write the same workloads
  refuses 1 'CustomResourceDefinition "gpupools.inferscale.dev" in namespace "" exists and cannot be imported' \
    helm install second "$chart" "${values[@]}"
}

plain_manifests() {
  kubectl apply --server-side --force-conflicts -f "$root/deploy/crds.yaml" && kubectl apply -f "$root/deploy/operator.yaml" &&
    kubectl --namespace inferscale-system rollout status deployment/inferscale --timeout 20s && objects_keep_their_status
}

# As docs/operations/install.md says; kubectl owned the definitions before, so the next change of them is forced, too.
from_manifests_to_helm() {
  kubectl delete -f "$root/deploy/operator.yaml" && kubectl create namespace inferscale-system &&
    install "$chart" --take-ownership --force-conflicts && objects_keep_their_status &&
    upgrade "$scratch/newer" --force-conflicts && within 10 kubectl get model chat --namespace default
}

test_install() {
  check "a namespace that holds pods to the strictest standard" make_namespace
  check "install, which names the next three steps" install_prints_next_steps
  check "those steps work as printed" steps_of_the_notes_work
  check "a model serves" a_model_serves
}

test_release() {
  check "upgrade changes configuration and rights, one pod at the end" upgrade_changes_values
  check "upgrade changes the definitions" upgrade_changes_definitions
  check "rollback restores both" rollback_restores
  check "a refused upgrade changes nothing" refused_upgrade_changes_nothing
  check "the model's replicas are as the operator left them" within 10 workload_serves_on
  check "the objects have a status" remember_status
  check "uninstall leaves nothing of the operator" uninstall
  check "the model serves on" workload_serves_on
  check "definitions and objects stay, with their status" objects_keep_their_status
  check "install again takes them over" install
  check "and their status is still there" objects_keep_their_status
  check "a second release in the cluster is refused" second_release_is_refused
  check "switching crds.enabled off leaves them" without_definitions
  check "uninstall once more" uninstall
  check "deploy/ works without Helm" plain_manifests
  check "Helm takes over what deploy/ made" from_manifests_to_helm
}
