{{/* The name of every object, at most 63 characters. */}}
{{- define "inferscale.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name with an ending, together at most 63 characters: inferscale.named (list . "presets"). */}}
{{- define "inferscale.named" -}}
{{- $ending := index . 1 -}}
{{- $most := sub 62 (len $ending) | int -}}
{{- printf "%s-%s" (include "inferscale.fullname" (index . 0) | trunc $most | trimSuffix "-") $ending -}}
{{- end -}}

{{- define "inferscale.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "inferscale.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name is empty and serviceAccount.create is false: name the account to use" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "inferscale.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "inferscale.labels" -}}
{{ include "inferscale.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "inferscale.image" -}}
{{- include "inferscale.imageOf" (list . .Values.image) -}}
{{- end -}}

{{/* The address of an image: inferscale.imageOf (list . .Values.image). */}}
{{- define "inferscale.imageOf" -}}
{{- $chart := (index . 0).Chart -}}
{{- with index . 1 -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (default $chart.AppVersion .tag) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "inferscale.gpuExporterSelectorLabels" -}}
{{ include "inferscale.selectorLabels" . | replace "component: operator" "component: gpu-exporter" }}
{{- end -}}

{{- define "inferscale.gpuExporterLabels" -}}
{{ include "inferscale.labels" . | replace "component: operator" "component: gpu-exporter" }}
{{- end -}}
