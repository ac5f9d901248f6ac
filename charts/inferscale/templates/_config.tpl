{{/* The operator's configuration file. Only what differs from its own defaults has to be there. */}}
{{- define "inferscale.config" -}}
{{- include "inferscale.check" . -}}
metricsSources:
{{ toYaml .Values.metricsSources }}
timing:
  grid: {{ .Values.timing.grid }}
  {{- with .Values.timing.tick }}
  tick: {{ . }}
  {{- end }}
listen:
  metrics: {{ printf "%s:%d" .Values.listen.address (int .Values.listen.port) | quote }}
leaderElection:
  enabled: {{ .Values.leaderElection.enabled }}
  {{- if .Values.leaderElection.enabled }}
  namespace: {{ .Release.Namespace }}
  {{- end }}
{{- if .Values.presets.engines }}
presets:
  directory: /etc/inferscale/presets
{{- end }}
{{- if .Values.profiles }}
profiles:
  directory: /etc/inferscale/profiles
{{- end }}
{{- end -}}

{{/* Changes whenever something changes that the operator reads at its start. */}}
{{- define "inferscale.configChecksum" -}}
{{- printf "%s%s%s" (include "inferscale.config" .) (toJson .Values.presets) (toJson .Values.profiles) | sha256sum | trunc 16 -}}
{{- end -}}

{{/* The name of a file as a key of a ConfigMap, which may not hold a slash. */}}
{{- define "inferscale.fileKey" -}}
{{- printf "%s.yaml" (replace "/" "__" .) -}}
{{- end -}}
