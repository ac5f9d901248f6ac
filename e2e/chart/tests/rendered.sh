# shellcheck shell=bash disable=SC2154 # root, chart, scratch, ... are set in lib.sh and test
# What the chart renders, for a matrix of values: accepted by the API server, without a wildcard, with every switch obeyed.

# One set of values a line: name, then the arguments.
matrix="
default        | --values $chart/ci/default.yaml
everything     | --values $chart/ci/everything.yaml
nothing-extra  | --values $chart/ci/nothing-extra.yaml
deploy         | --values $root/deploy/values.yaml
renamed        | --values $chart/ci/default.yaml --set nameOverride=scaler
long-name      | --values $chart/ci/everything.yaml --set fullnameOverride=a23456789-b23456789-c23456789-d23456789-e23456789-f23456789-g23
"

each_of_matrix() { # command..., which gets the name of the values
  local name arguments
  while IFS='|' read -r name arguments; do
    if [ -n "$name" ]; then "$@" "${name// /}" || return 1; fi
  done <<<"$matrix"
}

# Renders every set of values once, as YAML and as the JSON that the API server makes of it.
render_matrix() {
  local name arguments
  while IFS='|' read -r name arguments; do
    [ -n "$name" ] || continue
    name=${name// /}
    # shellcheck disable=SC2086 # several words
    render $arguments >"$scratch/$name.yaml" || return 1
    kubectl create --dry-run=client --validate=false -o json -f "$scratch/$name.yaml" | jq -s . >"$scratch/$name.json" || return 1
    echo "$name: $(jq length "$scratch/$name.json") objects"
  done <<<"$matrix"
}

objects() { jq -e "$2" "$scratch/$1.json"; } # name of the values, filter

is_linted() { helm lint --strict "$chart" --values "$1"; }

# Field names, types and rules of the API server itself. Dry runs make no namespace: it is there already.
is_accepted() {
  kubectl apply --dry-run=server --validate=strict --namespace inferscale-system -f "$scratch/$1.yaml"
}

has_no_wildcard() {
  local roles
  roles=$(jq -c '[.[] | select(.kind | test("Role$")) | {name: .metadata.name, rules}]' "$scratch/$1.json")
  grants_too_much "$roles" && return 1
  return 0
}

# Fails when nothing in these roles is too much; prints what is.
grants_too_much() {
  jq -e '[.[] | .name as $role | .rules[] | select(
      ([.apiGroups[]?, .resources[]?, .verbs[]?, .nonResourceURLs[]?] | any(contains("*")))
      or (.resources // [] | any(. == "secrets" or startswith("secrets/") or . == "pods/exec" or . == "serviceaccounts/token"))
      or (.verbs | any(. == "escalate" or . == "bind" or . == "impersonate"))) | {$role, rule: .}]
    | if length > 0 then ., true else false end' <<<"$1"
}

finds_a_wildcard() {
  grants_too_much '[{"name": "a", "rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]}]}]' &&
    grants_too_much '[{"name": "a", "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}]' &&
    fails grants_too_much '[{"name": "a", "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]}]'
}

has_one_writer_at_a_time() { # several only with an election, and then with the right to it
  objects "$1" '([.[] | select(.kind == "ConfigMap") | .data["config.yaml"] // empty] | first | test("leaderElection:\n  enabled: true\n")) as $elects
    | [.[] | select(.kind == "Deployment") | .spec | if $elects then .strategy.type == "RollingUpdate" else .replicas == 1 and .strategy.type == "Recreate" end] == [true]
    and (($elects | not) or any(.[]; .kind == "ServiceAccount") == any(.[]; .kind == "Role"))'
}

names_fit() { objects "$1" 'all(.[] | select(.kind != "CustomResourceDefinition"); .metadata.name | length <= 63)'; }

# The operator reads it: nothing may hide behind Helm's number format or quoting.
config_is_complete() {
  local config
  config=$(jq -r '.[] | select(.kind == "ConfigMap") | .data["config.yaml"] // empty' "$scratch/everything.json")
  diff -u <(cat <<'YAML'
metricsSources:
- bearerTokenFile: /etc/inferscale-token/token
  caFile: /etc/inferscale-ca/ca.crt
  headers:
    X-Scope-OrgID: "12"
  maxBytes: 1Gi
  name: default
  timeout: 1m
  url: https://prometheus.monitoring.svc:9090/path
- name: second
  url: http://[fd00::1]:9090
timing:
  grid: 1m
  tick: 500ms
listen:
  metrics: "[::]:9090"
leaderElection:
  enabled: true
  namespace: inferscale-system
presets:
  directory: /etc/inferscale/presets
profiles:
  directory: /etc/inferscale/profiles
YAML
  ) <(echo "$config")
}

files_are_mounted() {
  objects everything '[.[] | select(.kind == "Deployment") | .spec.template.spec.volumes[] | select(.name == "config") | .projected.sources[].configMap]
    == [{name: "infer"},
        {name: "infer-presets", items: [{key: "sglang.yaml", path: "presets/engines/sglang.yaml"}]},
        {name: "infer-profiles", items: [{key: "llama-3.1-8b__l40s__fp8.yaml", path: "profiles/llama-3.1-8b/l40s/fp8.yaml"}]}]' &&
    objects everything 'any(.[] | select(.metadata.name == "infer-profiles") | .data["llama-3.1-8b__l40s__fp8.yaml"]; contains("kvCapacityTokens: 4330000"))'
}

switches_are_obeyed() {
  objects nothing-extra '[.[].kind] | sort == ["ConfigMap", "Deployment"]' &&
    objects nothing-extra 'any(.[]; .kind == "Deployment" and .spec.template.spec.serviceAccountName == "mine")' &&
    objects default '[.[].kind] | unique == ["ClusterRole", "ClusterRoleBinding", "ConfigMap", "CustomResourceDefinition", "Deployment", "Role", "RoleBinding", "Service", "ServiceAccount"]' &&
    objects everything 'any(.[]; .kind == "ConfigMap" and .metadata.labels.grafana_dashboard == "1" and (.data["inferscale-model.json"] | fromjson | .uid == "inferscale-model"))'
}

# The exporter gets the kubelet's folder, read-only, and nothing else of the node; the processes only when they are asked for.
exporter_has_few_rights() {
  local least
  render --values "$chart/ci/default.yaml" --set gpuExporter.enabled=true --show-only templates/gpu-exporter.yaml |
    kubectl create --dry-run=client --validate=false -o json -f - >"$scratch/exporter.json" || return 1
  least='.spec.template.spec | (.containers | length == 1) and (.hostNetwork // false) == false and .automountServiceAccountToken == false
    and (.containers[0].securityContext | .privileged == false and .allowPrivilegeEscalation == false and .readOnlyRootFilesystem
      and .capabilities == {drop: ["ALL"]}) and all(.containers[0].volumeMounts[]; .readOnly)'
  jq -e "$least"' and (.hostPID // false) == false and [.volumes[].hostPath.path] == ["/var/lib/kubelet/pod-resources"]
    and .nodeSelector == {"nvidia.com/gpu.present": "true"} and [.tolerations[].key] == ["nvidia.com/gpu"]' "$scratch/exporter.json" &&
    objects everything '[.[] | select(.kind == "DaemonSet")] | length == 1 and (.[0] | '"$least"')' &&
    objects everything '.[] | select(.kind == "DaemonSet") | (.spec.template.spec | .hostPID
      and [.volumes[].hostPath.path] == ["/data/kubelet/pod-resources", "/var/log/pods", "/home/kubernetes/bin/nvidia/lib64"])' &&
    [ "$(render --values "$chart/ci/default.yaml" --set gpuExporter.enabled=true,gpuExporter.podMonitor.enabled=true,gpuExporter.namespace=gpus \
      --show-only templates/gpu-exporter.yaml | grep -c 'namespace: gpus')" = 2 ]
}

# The program itself takes what the chart tells it.
exporter_takes_its_arguments() {
  if [ ! -x "$operator" ]; then echo "$operator is not there: skipped"; return; fi
  local arguments
  mapfile -t arguments < <(objects everything '.[] | select(.kind == "DaemonSet") | .spec.template.spec.containers[0].args' | jq -r '.[]')
  [ "${#arguments[@]}" -gt 10 ] && arguments+=(--listen 256.0.0.1:1) &&
    refuses 2 "cannot be used multiple times" "$operator" "${arguments[@]}"
}

exporter_monitor() {
  render --values "$chart/ci/default.yaml" --set gpuExporter.enabled=true,gpuExporter.podMonitor.enabled=true,gpuExporter.podMonitor.interval=5s \
    --show-only templates/gpu-exporter.yaml >"$scratch/monitor.yaml" && cat "$scratch/monitor.yaml" &&
    grep -q '^kind: PodMonitor$' "$scratch/monitor.yaml" && grep -q '    honorLabels: true' "$scratch/monitor.yaml" &&
    grep -q '    interval: 5s' "$scratch/monitor.yaml" && [ "$(grep -c 'component: gpu-exporter' "$scratch/monitor.yaml")" = 5 ]
}

definitions_are_kept() {
  objects default '[.[] | select(.kind == "CustomResourceDefinition") | .metadata.annotations["helm.sh/resource-policy"]] == ["keep", "keep"]'
}

monitors() { # their kinds are not part of Kubernetes: only looked at
  local kind key
  for kind in serviceMonitor:endpoints podMonitor:podMetricsEndpoints; do
    key=${kind#*:} kind=${kind%:*}
    render --values "$chart/ci/default.yaml" --set "metrics.$kind.enabled=true,metrics.$kind.interval=10s,metrics.$kind.labels.release=main" \
      --show-only templates/monitors.yaml >"$scratch/monitor.yaml" || return 1
    cat "$scratch/monitor.yaml"
    grep -qi "^kind: $kind\$" "$scratch/monitor.yaml" && grep -q "^  $key:\$" "$scratch/monitor.yaml" &&
      grep -q '    honorLabels: true' "$scratch/monitor.yaml" && grep -q '    interval: 10s' "$scratch/monitor.yaml" &&
      grep -q '    release: main' "$scratch/monitor.yaml" || return 1
  done
}

# Another configuration is another pod; another label of the release is not.
checksum_follows_configuration() {
  local first
  first=$(checksum)
  [ "$first" = "$(checksum --set metrics.service.enabled=false)" ] && [ "$first" != "$(checksum --set timing.grid=20s)" ] &&
    [ "$first" != "$(checksum --set presets.engines.a=b)" ] && [ "$first" != "$(checksum --set 'metricsSources[0].timeout=4s')" ]
}
checksum() { render --values "$chart/ci/default.yaml" "$@" | grep config-checksum; }

# Each key has a comment above it or above its group, and the schema knows exactly the keys of values.yaml.
values_are_explained() {
  diff -u <(grep -oE '^[a-zA-Z]+:' "$chart/values.yaml" | tr -d : | sort) \
    <(jq -r '.properties | keys[] | select(. != "global")' "$chart/values.schema.json" | sort) &&
    awk '/^ *#/ {explained = 1; next} /^ *[a-zA-Z]+:( [^#]|$)/ && !/^ *(requests|limits):/ {
      if (!explained && $0 !~ /:$/) {print "no comment above: " $0; wrong = 1}
      if ($0 !~ /:$/) explained = 0} END {exit wrong}' "$chart/values.yaml"
}

changed_definitions_are_found() {
  mkdir -p "$scratch/crds"
  cp "$root"/crds/*.yaml "$scratch/crds/"
  sed -i 's/shortNames:/shortNames: /; s/  - infd/  - infx/' "$scratch/crds/inferscale.dev_inferencedeployments.yaml"
  refuses 1 '+    - infx' "$here/render" --check --crds "$scratch/crds"
}

test_rendered() {
  local values
  for values in "$chart"/ci/*.yaml; do check "lint --strict with $(basename "$values")" is_linted "$values"; done
  check "deploy/ and the chart's definitions are up to date" "$here/render" --check
  check "a changed definition is found" changed_definitions_are_found
  check "every key of values.yaml is explained and known to the schema" values_are_explained
  check "the matrix of values renders" render_matrix
  check "the API server accepts each" each_of_matrix is_accepted
  check "no role has a wildcard or reads Secrets" each_of_matrix has_no_wildcard
  check "a wildcard would be found" finds_a_wildcard
  check "one operator at a time" each_of_matrix has_one_writer_at_a_time
  check "names fit into labels" each_of_matrix names_fit
  check "the definitions outlive the release" definitions_are_kept
  check "the configuration holds every value" config_is_complete
  check "presets and profiles are mounted where the operator looks" files_are_mounted
  check "switches are obeyed" switches_are_obeyed
  check "ServiceMonitor and PodMonitor" monitors
  check "the GPU exporter gets the kubelet's folder and no more" exporter_has_few_rights
  check "and takes the arguments that it is given" exporter_takes_its_arguments
  check "and is scraped with the labels of those who hold GPUs" exporter_monitor
  check "the pod changes with the configuration" checksum_follows_configuration
}
