# shellcheck shell=bash disable=SC2154 # root, chart, scratch, ... are set in lib.sh and test
# What the operator's ServiceAccount may do, by asking and by doing it with its token; and what users may do.

account=system:serviceaccount:inferscale-system:inferscale

# verb, resource (or its scale, or its status), and whether it is allowed
rights='
get    inferencedeployments.inferscale.dev            yes
list   inferencedeployments.inferscale.dev            yes
watch  inferencedeployments.inferscale.dev            yes
patch  inferencedeployments.inferscale.dev/status     yes
list   gpupools.inferscale.dev                        yes
watch  gpupools.inferscale.dev                        yes
patch  gpupools.inferscale.dev/status                 yes
list   pods                                           yes
watch  pods                                           yes
list   nodes                                          yes
watch  nodes                                          yes
list   horizontalpodautoscalers.autoscaling           yes
watch  scaledobjects.keda.sh                          yes
watch  deployments.apps                               yes
watch  statefulsets.apps                              yes
get    deployments.apps/scale                         yes
update deployments.apps/scale                         yes
update statefulsets.apps/scale                        yes
create events.events.k8s.io                           yes
patch  events.events.k8s.io                           yes
update inferencedeployments.inferscale.dev            no
patch  inferencedeployments.inferscale.dev            no
create inferencedeployments.inferscale.dev            no
delete inferencedeployments.inferscale.dev            no
update inferencedeployments.inferscale.dev/status     no
patch  gpupools.inferscale.dev                        no
get    secrets                                        no
list   secrets                                        no
watch  secrets                                        no
get    configmaps                                     no
list   configmaps                                     no
create pods                                           no
delete pods                                           no
patch  pods                                           no
create pods/exec                                      no
create pods/eviction                                  no
get    pods/log                                       no
patch  nodes                                          no
delete nodes                                          no
create deployments.apps                               no
update deployments.apps                               no
patch  deployments.apps                               no
delete deployments.apps                               no
patch  deployments.apps/scale                         no
list   daemonsets.apps                                no
update replicasets.apps/scale                         no
create leases.coordination.k8s.io                     no
get    leases.coordination.k8s.io                     no
update leases.coordination.k8s.io                     no
update horizontalpodautoscalers.autoscaling           no
delete scaledobjects.keda.sh                          no
create serviceaccounts/token                          no
create namespaces                                     no
list   customresourcedefinitions.apiextensions.k8s.io no
update clusterroles.rbac.authorization.k8s.io         no
create clusterrolebindings.rbac.authorization.k8s.io  no
impersonate users                                     no
'

# Asks the API server's authorizer, in another namespace than the operator's: the rights hold in all of them. Unlike
# `kubectl auth can-i` this also answers for kinds that the cluster does not have, such as KEDA's.
rights_of() { # user, table on stdin
  grep -E '[a-z]' >"$scratch/asked"
  jq -Rn --arg user "$1" '{apiVersion: "v1", kind: "List", items: [inputs | [splits(" +")] | map(select(. != ""))
    | (.[1] | split("/")) as [$name, $subresource] | ($name | split(".")) as [$resource] | {
      apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview",
      spec: {$user, groups: ["system:authenticated"], resourceAttributes: {
        namespace: "default", verb: .[0], group: ($name | ltrimstr($resource) | ltrimstr(".")), $resource, subresource: ($subresource // "")}}}]}' \
    "$scratch/asked" >"$scratch/reviews.json"
  # One review is answered as itself, several as a list.
  kubectl create -f "$scratch/reviews.json" -o json |
    jq -r 'if .kind == "List" then .items[] else . end | if .status.allowed then "yes" else "no" end' >"$scratch/answers"
  paste -d ' ' "$scratch/asked" "$scratch/answers" |
    awk '$3 != $4 {print $1, $2 ": " ($4 ? $4 : "no answer") ", expected " $3; wrong = 1} END {print NR " rights"; exit wrong || NR == 0}'
}
has_right() { rights_of "$1" <<<"$2 $3 $4"; } # user, verb, resource, yes|no
operator_rights() { rights_of $account <<<"$rights"; }

# All rights there are, from the API server; what every account may do is left out.
operator_holds_nothing_else() {
  kubectl auth can-i --list --as $account --namespace default >"$scratch/all" || return 1
  grep -vE '^(Resources| |selfsubject)' "$scratch/all" | awk '{resource = $1; sub(/.*\[/, "["); print resource, $0}' | sort | diff -u - <(sort <<'LIST'
deployments.apps [get list watch]
deployments.apps/scale [get update]
events.events.k8s.io [create patch]
gpupools.inferscale.dev [get list watch]
gpupools.inferscale.dev/status [patch]
horizontalpodautoscalers.autoscaling [get list watch]
inferencedeployments.inferscale.dev [get list watch]
inferencedeployments.inferscale.dev/status [patch]
nodes [get list watch]
pods [get list watch]
scaledobjects.keda.sh [get list watch]
statefulsets.apps [get list watch]
statefulsets.apps/scale [get update]
LIST
  )
}

# In its own namespace also the Lease, by its name.
operator_elects() {
  kubectl auth can-i --list --as $account --namespace inferscale-system | grep leases >"$scratch/leases" || return 1
  awk '{$1 = $1; print}' "$scratch/leases" | sort | diff -u - <(sort <<'LIST'
leases.coordination.k8s.io [] [] [create]
leases.coordination.k8s.io [] [inferscale] [get list watch update]
LIST
  )
}

with_token() { kubectl --kubeconfig "$scratch/operator.kubeconfig" "$@"; }

forbidden() { # command...
  local output status=0
  output=$("$@" 2>&1) || status=$?
  echo "$output"
  [ $status != 0 ] && [[ $output == *forbidden* ]]
}

token_works() {
  "$here/kubeconfig" >"$scratch/operator.kubeconfig" &&
    [ "$(with_token auth whoami -o jsonpath='{.status.userInfo.username}')" = $account ]
}

operator_reads() {
  with_token get infd,gpupools,pods,nodes,deployments,statefulsets,hpa --all-namespaces &&
    with_token get --raw '/api/v1/pods?watch=1&timeoutSeconds=1&resourceVersion=0'
}

operator_scales() { # with a precondition kubectl reads the scale and puts it back, as the operator does
  with_token scale deployment chat --namespace default --current-replicas 1 --replicas 2 &&
    [ "$(kubectl get deployment chat --namespace default -o jsonpath='{.spec.replicas}')" = 2 ]
}

# kubectl would read the status first, which the operator need not and may not.
patch_status() { # path of the object, apiVersion, kind, name, status
  python3 - "$scratch/operator.kubeconfig" "$@" <<'PYTHON'
import base64, json, ssl, sys, urllib.request
config, path, version, kind, name, status = sys.argv[1:]
config = json.load(open(config))
cluster, token = config["clusters"][0]["cluster"], config["users"][0]["user"]["token"]
authority = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
body = json.dumps({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "status": json.loads(status)})
request = urllib.request.Request(f"{cluster['server']}{path}/status?fieldManager=inferscale&force=true", body.encode(), method="PATCH",
    headers={"Authorization": f"Bearer {token}", "Content-Type": "application/apply-patch+yaml"})
print(urllib.request.urlopen(request, timeout=5, context=authority).status)
PYTHON
}

operator_writes_status() {
  local api=inferscale.dev/v1alpha1
  patch_status /apis/$api/namespaces/default/inferencedeployments/chat $api InferenceDeployment chat '{"replicas": {"desired": 2, "ready": 1}}' &&
    patch_status /apis/$api/gpupools/a100 $api GpuPool a100 '{"accelerators": {"total": 8, "free": 7}}'
}

operator_writes_events() {
  with_token create -f - <<YAML
apiVersion: events.k8s.io/v1
kind: Event
metadata: {name: chat.1, namespace: default}
eventTime: "$(date -u +%Y-%m-%dT%H:%M:%S.000000Z)"
regarding: {apiVersion: inferscale.dev/v1alpha1, kind: InferenceDeployment, name: chat, namespace: default}
reason: ScaleUp
action: Scale
type: Normal
note: test
reportingController: inferscale.dev/operator
reportingInstance: test
YAML
}

operator_cannot_more() {
  forbidden with_token get secrets --all-namespaces &&
    forbidden with_token patch infd chat --namespace default --type merge -p '{"spec": {"replicas": {"max": 9}}}' &&
    forbidden with_token patch deployment chat --namespace default --type merge -p '{"spec": {"replicas": 9}}' &&
    forbidden with_token delete deployment chat --namespace default &&
    forbidden with_token delete pods --all --namespace default &&
    forbidden with_token run intruder --namespace default --image none
}

users_follow_their_roles() {
  kubectl create rolebinding viewer --clusterrole view --user viewer --namespace default &&
    kubectl create rolebinding editor --clusterrole edit --user editor --namespace default || return 1
  within 10 has_right editor create inferencedeployments.inferscale.dev yes && rights_of editor <<<'
    patch  inferencedeployments.inferscale.dev         yes
    delete inferencedeployments.inferscale.dev         yes
    list   inferencedeployments.inferscale.dev         yes
    patch  inferencedeployments.inferscale.dev/status  no
    create gpupools.inferscale.dev                     no' && rights_of viewer <<<'
    list   inferencedeployments.inferscale.dev         yes
    watch  inferencedeployments.inferscale.dev         yes
    create inferencedeployments.inferscale.dev         no
    patch  inferencedeployments.inferscale.dev         no'
}

test_rights() {
  check "the operator may do what it needs and nothing beside it" operator_rights
  check "its rights are exactly those of docs/operations/rbac.md" operator_holds_nothing_else
  check "one Lease in its own namespace, by its name" operator_elects
  check "a kubeconfig with its token" token_works
  check "with it: reads and watches" operator_reads
  check "with it: scales a workload" operator_scales
  check "with it: writes status" operator_writes_status
  check "with it: writes events" operator_writes_events
  check "with it: nothing else" operator_cannot_more
  check "viewers view and editors edit" users_follow_their_roles
  check "a missing ServiceAccount is named" refuses 1 'no token of the ServiceAccount inferscale-system/nobody' "$here/kubeconfig" --service-account nobody
}
