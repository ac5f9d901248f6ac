{{/*
What the schema cannot say with a remedy is checked here as the operator itself checks it: a mistake ends
`helm install` with its place, value, rule and fix, not a pod in CrashLoopBackOff.
*/}}

{{/* Ends with a message: inferscale.wrong (list "metricsSources[0].name" "what is wrong: what to do"). */}}
{{- define "inferscale.wrong" -}}
{{- fail (printf "\n\n%s: %s\n" (index . 0) (index . 1)) -}}
{{- end -}}

{{- define "inferscale.check" -}}
{{- include "inferscale.checkSources" . -}}
{{- include "inferscale.checkTiming" . -}}
{{- include "inferscale.checkFiles" . -}}
{{- include "inferscale.checkTargets" . -}}
{{- include "inferscale.checkReplicas" . -}}
{{- end -}}

{{- define "inferscale.checkReplicas" -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.leaderElection.enabled) -}}
{{- include "inferscale.wrong" (list "replicas" (printf "%d would all write at the same time: set leaderElection.enabled=true, or replicas=1" (int .Values.replicas))) -}}
{{- end -}}
{{- end -}}

{{- define "inferscale.checkSources" -}}
{{- if not .Values.metricsSources -}}
{{- include "inferscale.wrong" (list "metricsSources" "has no entries: without metrics nothing can be decided. Name at least one Prometheus in your values:\n\n  metricsSources:\n  - name: default\n    url: http://prometheus.monitoring:9090\n\nor on the command line:\n\n  --set 'metricsSources[0].name=default' --set 'metricsSources[0].url=http://prometheus.monitoring:9090'") -}}
{{- end -}}
{{- $names := dict -}}
{{- range $index, $source := .Values.metricsSources -}}
{{- $at := printf "metricsSources[%d]" $index -}}
{{- include "inferscale.checkSource" (list $at $source) -}}
{{- if hasKey $names $source.name -}}
{{- include "inferscale.wrong" (list (printf "%s.name" $at) (printf "%q is also the name of metricsSources[%d]: give each its own" $source.name (get $names $source.name | int))) -}}
{{- end -}}
{{- $_ := set $names $source.name $index -}}
{{- end -}}
{{- end -}}

{{- define "inferscale.checkSource" -}}
{{- $at := index . 0 -}}
{{- with index . 1 -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$" .name) -}}
{{- include "inferscale.wrong" (list (printf "%s.name" $at) (printf "%q is not a name: use at most 63 of a-z, 0-9 and -, such as default" .name)) -}}
{{- end -}}
{{- include "inferscale.checkUrl" (list (printf "%s.url" $at) .url) -}}
{{- if and .caFile (hasPrefix "http:" .url) -}}
{{- include "inferscale.wrong" (list (printf "%s.caFile" $at) "is set, but url starts with http://: write https://, or leave caFile out") -}}
{{- end -}}
{{- include "inferscale.checkHeaders" (list (printf "%s.headers" $at) .headers .bearerTokenFile) -}}
{{- if .timeout -}}
{{- include "inferscale.checkTime" (list (printf "%s.timeout" $at) .timeout 100 60000 "a time between 100ms and 1m: write one such as 5s") -}}
{{- end -}}
{{- if .maxBytes -}}
{{- include "inferscale.checkSize" (list (printf "%s.maxBytes" $at) .maxBytes) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A value that may hold a password is not shown. */}}
{{- define "inferscale.checkUrl" -}}
{{- $at := index . 0 -}}
{{- $url := index . 1 -}}
{{- if contains "@" $url -}}
{{- include "inferscale.wrong" (list $at "the address holds a user or a password: take it out and use bearerTokenFile or headers") -}}
{{- else if not (contains "://" $url) -}}
{{- include "inferscale.wrong" (list $at (printf "%q has no scheme: write http:// or https://, such as http://%s" $url (default "prometheus.monitoring:9090" $url))) -}}
{{- else if not (regexMatch "^https?://" $url) -}}
{{- include "inferscale.wrong" (list $at (printf "%q is neither http:// nor https://: write one of them" $url)) -}}
{{- else if regexMatch "[?#]" $url -}}
{{- include "inferscale.wrong" (list $at (printf "%q has something after ? or #: leave that out, what is asked is added" $url)) -}}
{{- else if not (regexMatch "^https?://([^/:[:space:]]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?(/[^[:space:]]*)?$" $url) -}}
{{- include "inferscale.wrong" (list $at (printf "%q is not an address: write one such as http://prometheus.monitoring:9090" $url)) -}}
{{- end -}}
{{- end -}}

{{- define "inferscale.checkHeaders" -}}
{{- $at := index . 0 -}}
{{- $token := index . 2 -}}
{{- $seen := dict -}}
{{- range $name, $value := index . 1 -}}
{{- $here := printf "%s.%s" $at $name -}}
{{- if not (regexMatch "^[A-Za-z0-9!#$%&'*+.^_|~`-]+$" $name) -}}
{{- include "inferscale.wrong" (list $here "is not a header's name: use letters, digits and -") -}}
{{- else if has (lower $name) (list "host" "content-length" "content-type" "transfer-encoding" "connection" "accept-encoding" "te") -}}
{{- include "inferscale.wrong" (list $here "is written by the client itself: leave it out") -}}
{{- else if and $token (eq (lower $name) "authorization") -}}
{{- include "inferscale.wrong" (list $here "is also set by bearerTokenFile: leave one of them out") -}}
{{- else if hasKey $seen (lower $name) -}}
{{- include "inferscale.wrong" (list $here "is here twice (upper and lower case are one): leave one out") -}}
{{- else if not $value -}}
{{- include "inferscale.wrong" (list $here "is missing: write its value, or leave the header out") -}}
{{- else if not (regexMatch "^[^[:cntrl:]]*$" $value) -}}
{{- include "inferscale.wrong" (list $here "has a value with a line break or another character that no header may hold") -}}
{{- end -}}
{{- $_ := set $seen (lower $name) true -}}
{{- end -}}
{{- end -}}

{{- define "inferscale.checkTiming" -}}
{{- with .Values.timing -}}
{{- include "inferscale.checkTime" (list "timing.grid" .grid 1000 300000 "a time between 1s and 5m: write one such as 15s") -}}
{{- if .tick -}}
{{- include "inferscale.checkTime" (list "timing.tick" .tick 200 300000 "a time between 200ms and 5m: write one such as 15s") -}}
{{- if gt (include "inferscale.milliseconds" .tick | int64) (include "inferscale.milliseconds" .grid | int64) -}}
{{- include "inferscale.wrong" (list "timing.tick" (printf "%q is longer than grid (%s): a bucket would close unseen; write at most the grid" .tick .grid)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* inferscale.checkTime (list path value least most rule), limits in milliseconds. */}}
{{- define "inferscale.checkTime" -}}
{{- $value := index . 1 -}}
{{- $form := regexMatch "^([0-9]{1,5}h)?([0-9]{1,6}m)?([0-9]{1,8}s)?([0-9]{1,9}ms)?$" $value -}}
{{- $time := include "inferscale.milliseconds" $value | int64 -}}
{{- if or (not $form) (lt $time (index . 2 | int64)) (gt $time (index . 3 | int64)) -}}
{{- include "inferscale.wrong" (list (index . 0) (printf "%q is not %s" $value (index . 4))) -}}
{{- end -}}
{{- end -}}

{{/* "1m30s" -> 90000 */}}
{{- define "inferscale.milliseconds" -}}
{{- $factors := dict "h" 3600000 "m" 60000 "s" 1000 "ms" 1 -}}
{{- $total := 0 -}}
{{- range regexFindAll "[0-9]+(ms|h|m|s)" . -1 -}}
{{- $unit := regexFind "[a-z]+" . -}}
{{- $total = add $total (mul (trimSuffix $unit . | int64) (get $factors $unit)) -}}
{{- end -}}
{{- $total -}}
{{- end -}}

{{- define "inferscale.checkSize" -}}
{{- $value := index . 1 -}}
{{- $factors := dict "" 1 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 -}}
{{- $size := 0 -}}
{{- if regexMatch "^[0-9]{1,10}(Ki|Mi|Gi)?$" $value -}}
{{- $unit := regexFind "[A-Za-z]*$" $value -}}
{{- $size = mul (trimSuffix $unit $value | int64) (get $factors $unit) -}}
{{- end -}}
{{- if or (lt ($size | int64) 65536) (gt ($size | int64) 1073741824) -}}
{{- include "inferscale.wrong" (list (index . 0) (printf "%q is not a size between 64Ki and 1Gi: write one such as 64Mi" $value)) -}}
{{- end -}}
{{- end -}}

{{- define "inferscale.checkFiles" -}}
{{- range $name, $_ := .Values.presets.engines -}}
{{- if not (regexMatch "^[A-Za-z0-9][-._A-Za-z0-9]*$" $name) -}}
{{- include "inferscale.wrong" (list (printf "presets.engines.%s" $name) "is not a file's name without its ending: use letters, digits, -, . and _, such as sglang") -}}
{{- end -}}
{{- end -}}
{{- range $name, $_ := .Values.profiles -}}
{{- if not (regexMatch "^[A-Za-z0-9][-.A-Za-z0-9]*/[A-Za-z0-9][-.A-Za-z0-9]*/[A-Za-z0-9][-.A-Za-z0-9]*$" $name) -}}
{{- include "inferscale.wrong" (list (printf "profiles.%s" $name) "is not a profile's name: write model/accelerator/precision of letters, digits, - and ., such as llama-3.1-8b/a100/bf16") -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* No wildcard reaches a role, and nothing of the core group, where the Secrets are. */}}
{{- define "inferscale.checkTargets" -}}
{{- range $index, $target := .Values.scaleTargets -}}
{{- $at := printf "scaleTargets[%d]" $index -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" $target.group) -}}
{{- include "inferscale.wrong" (list (printf "%s.group" $at) (printf "%q is not an API group: write one such as apps; wildcards and the core group are not allowed" $target.group)) -}}
{{- end -}}
{{- range $number, $resource := $target.resources -}}
{{- if not (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" $resource) -}}
{{- include "inferscale.wrong" (list (printf "%s.resources[%d]" $at $number) (printf "%q is not a resource: write its plural in lower case without a slash, such as deployments; wildcards are not allowed" $resource)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
