# shellcheck shell=bash disable=SC2154 # root, chart and scratch are set in lib.sh and test
# Bad values: every one ends with a message that names its place and what is wrong.

# One case a line: values, then `|`, then the text that the message must hold.
refused='
metricsSources=null                                          | metricsSources: has no entries: without metrics nothing can be decided
metricsSources[0].url=prometheus:9090                        | metricsSources[0].url: "prometheus:9090" has no scheme: write http:// or https://, such as http://prometheus:9090
metricsSources[0].url=ftp://a                                | metricsSources[0].url: "ftp://a" is neither http:// nor https://: write one of them
metricsSources[0].url=file:///etc/passwd                     | is neither http:// nor https://
metricsSources[0].url=http://                                | metricsSources[0].url: "http://" is not an address: write one such as http://prometheus.monitoring:9090
metricsSources[0].url=http://a/?x=1                          | metricsSources[0].url: "http://a/?x=1" has something after ? or #
metricsSources[0].url=http://me:s3cret@a                     | metricsSources[0].url: the address holds a user or a password: take it out
metricsSources[0].url=null                                   | at ./metricsSources/0/url.: got null, want string
metricsSources[1].name=a                                     | at ./metricsSources/1.: missing property .url.
metricsSources[0].uri=http://a                               | at ./metricsSources/0.: additional properties .uri. not allowed
metricsSources[0].name=My Source                             | metricsSources[0].name: "My Source" is not a name: use at most 63 of a-z, 0-9 and -, such as default
metricsSources[0].caFile=/ca.crt                             | metricsSources[0].caFile: is set, but url starts with http://
metricsSources[0].caFile=ca.crt                              | at ./metricsSources/0/caFile.: .ca.crt. does not match pattern
metricsSources[0].timeout=5                                  | at ./metricsSources/0/timeout.: got number, want string
metricsSources[0].timeout=2m                                 | metricsSources[0].timeout: "2m" is not a time between 100ms and 1m: write one such as 5s
metricsSources[0].timeout=1s2s                               | metricsSources[0].timeout: "1s2s" is not a time between
metricsSources[0].maxBytes=64MB                              | metricsSources[0].maxBytes: "64MB" is not a size between 64Ki and 1Gi: write one such as 64Mi
metricsSources[0].maxBytes=2Gi                               | metricsSources[0].maxBytes: "2Gi" is not a size
metricsSources[0].headers.Host=a                             | metricsSources[0].headers.Host: is written by the client itself: leave it out
metricsSources[0].headers.a b=c                              | metricsSources[0].headers.a b: is not a header.s name
metricsSources[0].headers.A=c,metricsSources[0].headers.a=d  | metricsSources[0].headers.a: is here twice
metricsSources[0].headers.Authorization=c,metricsSources[0].bearerTokenFile=/t | metricsSources[0].headers.Authorization: is also set by bearerTokenFile
metricsSources[1].name=default,metricsSources[1].url=http://b | metricsSources[1].name: "default" is also the name of metricsSources[0]: give each its own
timing.grid=0s                                               | timing.grid: "0s" is not a time between 1s and 5m: write one such as 15s
timing.grid=often                                            | timing.grid: "often" is not a time
timing.grid=null                                             | at ./timing.: missing property .grid.
timing.tick=100ms                                            | timing.tick: "100ms" is not a time between 200ms and 5m
timing=null                                                  | missing property .timing.
timing.tick=1m                                               | timing.tick: "1m" is longer than grid (15s): a bucket would close unseen; write at most the grid
listen.port=80                                               | at ./listen/port.: minimum: got 80, want 1,024
listen.address=localhost                                     | at ./listen/address.: .localhost. does not match pattern
log.format=xml                                               | at ./log/format.: value must be one of .json., .text.
log.level=info; rm                                           | at ./log/level.: .info; rm. does not match pattern
scaleTargets[0].group=apps,scaleTargets[0].resources[0]=*    | scaleTargets[0].resources[0]: "*" is not a resource: write its plural in lower case without a slash
scaleTargets[0].group=apps,scaleTargets[0].resources[0]=deployments/scale | scaleTargets[0].resources[0]: "deployments/scale" is not a resource
scaleTargets[0].group=*,scaleTargets[0].resources[0]=deployments | scaleTargets[0].group: "*" is not an API group: write one such as apps
scaleTargets[0].group=,scaleTargets[0].resources[0]=secrets  | scaleTargets[0].group: "" is not an API group
scaleTargets=null                                            | missing property .scaleTargets.
presets.engines.a/b=x                                        | presets.engines.a/b: is not a file.s name
presets.engines.sglang=                                      | at ./presets/engines/sglang.: minLength: got 0, want 1
profiles.llama=x                                             | profiles.llama: is not a profile.s name: write model/accelerator/precision
profiles.a/\.\./b=x                                          | profiles.a/../b: is not a profile.s name
replicas=2,leaderElection.enabled=false                      | replicas: 2 would all write at the same time: set leaderElection.enabled=true, or replicas=1
replicas=-1                                                  | at ./replicas.: minimum: got -1, want 0
leaderElection.enabled=no                                    | at ./leaderElection/enabled.: got string, want boolean
leaderElection.leaseDuration=15s                             | at ./leaderElection.: additional properties .leaseDuration. not allowed
resources.limits.gpu=1                                       | additional properties .gpu. not allowed
image.digest=latest                                          | at ./image/digest.: .latest. does not match pattern
image.pullPolicy=Sometimes                                   | value must be one of .Always., .IfNotPresent., .Never.
crds.enabled=perhaps                                         | at ./crds/enabled.: got string, want boolean
serviceAccount.create=false                                  | serviceAccount.name is empty and serviceAccount.create is false: name the account to use
metrics.serviceMonitor.enabled=true,metrics.podMonitor.enabled=true | metrics.serviceMonitor.enabled and metrics.podMonitor.enabled are both true
metrics.serviceMonitor.enabled=true,metrics.service.enabled=false | metrics.service.enabled is false: there is no Service to scrape
fullnameOverride=A_b                                         | at ./fullnameOverride.: .A_b. does not match pattern
gpuExporter.interval=10ms                                    | at ./gpuExporter/interval.: .10ms. does not match pattern
gpuExporter.port=400                                         | at ./gpuExporter/port.: minimum: got 400, want 1,024
gpuExporter.kubeletDirectory=kubelet/                        | at ./gpuExporter/kubeletDirectory.: .kubelet/. does not match pattern
gpuExporter.image.tag=a b                                    | at ./gpuExporter/image/tag.: .a b. does not match pattern
gpuExporter.hostPID=true                                     | additional properties .hostPID. not allowed
terminationGracePeriodSeconds=0                              | at ./terminationGracePeriodSeconds.: minimum: got 0, want 1
'

# A dot in the expected text stands for any quote.
is_refused() { # values, text
  local output status=0
  output=$(render --values "$chart/ci/default.yaml" --set "$1" 2>&1) || status=$?
  echo "exit $status: $output"
  [ $status = 1 ] && grep -qE "$(pattern "$2")" <<<"$output" && [[ $output != *s3cret@a* ]]
}

# Everything but the dot is meant as it stands.
# shellcheck disable=SC2001 # more than a search for one text
pattern() { sed -e 's/[][(){}*+?|^$\\]/\\&/g' <<<"$1"; }

test_refused() {
  local values text
  while IFS='|' read -r values text; do
    [ -n "$values" ] || continue
    read -r values <<<"$values" # without the spaces at its end
    check "refused: $values" is_refused "$values" "${text# }"
  done <<<"$refused"
}
