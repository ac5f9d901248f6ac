# shellcheck shell=bash disable=SC2154,SC2034 # the variables that all files share are set in lib.sh
# Prometheus beside the cluster: finds the pods through the API server with a token of its own and scrapes them.

check_interval() { # value given by the user
  [[ $1 =~ ^[1-9][0-9]{0,5}(ms|s|m)$ ]] ||
    usage_error "--scrape-interval '$1' is not a duration: use a whole number of ms, s or m, for example 2s"
}

configure_prometheus() { # scrape interval
  mkdir -p "$dir/prometheus" "$dir/targets"
  local applied
  applied=$(kubectl apply -f "$here/prometheus-access.yaml" 2>&1) || { say "$applied"; return 1; }
  # 30 days: longer than any local cluster lives
  write_kubeconfig "$dir/prometheus/kubeconfig" prometheus \
    "token: $(kubectl create token prometheus -n monitoring --duration 720h)"
  sed "s|@interval@|$1|g; s|@dir@|$dir|g" "$here/prometheus.yml" >"$dir/prometheus/prometheus.yml"
  promtool check config "$dir/prometheus/prometheus.yml" >"$dir/logs/promtool.log" 2>&1 || {
    say "promtool refuses the configuration:"
    tail -n 10 "$dir/logs/promtool.log" >&2
    return 1
  }
}

# A restarted Prometheus keeps its data and, when nobody took it meanwhile, its port.
launch-prometheus() {
  if [ ! -e "$dir/ports/prometheus" ] || grep -qs 'address already in use' "$dir/logs/prometheus.log"; then
    rm -f "$dir/ports/prometheus"
    take_port prometheus
  fi
  # New pods are scraped one second after they were discovered, not after five: the tests are in time-lapse.
  launch prometheus "$bin/prometheus" --config.file "$dir/prometheus/prometheus.yml" \
    --storage.tsdb.path "$dir/prometheus/data" --storage.tsdb.retention.time 1d \
    --web.listen-address "127.0.0.1:$(port_of prometheus)" \
    --scrape.discovery-reload-interval 1s
}

check-prometheus() { http_ok "$(port_of prometheus)" /-/ready; }
