# shellcheck shell=bash disable=SC2154 # root, chart, scratch, ... are set in lib.sh and test
# The dashboards, as far as can be seen without data; `dashboard-queries --check` runs every query where there is some.

queries() { "$here/dashboard-queries" --set namespace=demo --set name=chat; }

expressions_parse() {
  queries | cut -f2 | jq -Rn '{groups: [{name: "dashboards", rules: [[inputs] | unique | to_entries[] | {record: "rule\(.key)", expr: .value}]}]}' \
    >"$scratch/rules.json"
  promtool check rules "$scratch/rules.json" | tee "$scratch/promtool"
  grep -qE 'SUCCESS: [1-9][0-9]* rules found' "$scratch/promtool"
}

# A metric that the operator no longer has leaves a panel without data.
metrics_exist() {
  local metric known=0
  for metric in $(queries | cut -f2 | grep -oE 'inferscale_[a-z_]+' | sort -u); do
    metric=${metric#inferscale_}
    grep -rqE "\"(${metric}|${metric%_seconds}|${metric%_total})\"" "$root/src/runtime/metrics" || {
      echo "inferscale_$metric is not in src/runtime/metrics"
      return 1
    }
    known=$((known + 1))
  done
  echo "$known metrics"
  ((known > 5))
}

panels_are_complete() {
  local file
  for file in "$chart"/files/dashboards/*.json; do
    jq -e '
      ([.panels[] | .id] | length == (unique | length))
      and all(.panels[] | select(.type != "row"); .description != "" and .title != "" and (.targets | length > 0)
        and .gridPos.x + .gridPos.w <= 24 and all(.targets[]; .datasource.uid == "${datasource}" and .legendFormat != ""))
      and all(.templating.list[]; .label != "")' "$file"
  done
}

test_dashboards() {
  check "panels have a title, a description, a place and queries" panels_are_complete
  check "every expression parses" expressions_parse
  check "the operator has every metric that is asked for" metrics_exist
  check "a variable without a value is named" refuses 1 "\$namespace has no value: give it by --set namespace=VALUE" "$here/dashboard-queries"
  check "a Prometheus that is not there is named" refuses 1 'does not answer' "$here/dashboard-queries" --prometheus http://127.0.0.1:1 --check
  check "a Prometheus without the operator's metrics fails" refuses 1 'label_values(inferscale_desired_replicas, namespace) finds nothing' \
    "$here/dashboard-queries" --prometheus "$PROMETHEUS_URL" --check
  check "queries without data fail" refuses 1 ' 0 passed, ' without_data
}

without_data() {
  local output status=0
  output=$("$here/dashboard-queries" --prometheus "$PROMETHEUS_URL" --check --set namespace=a --set name=b --set model=c 2>&1) || status=$?
  echo " $(tail -n 1 <<<"$output")"
  return $status
}
