# shellcheck shell=bash disable=SC2154,SC2034 # the variables that all files share are set in lib.sh
# Certificates, keys and kubeconfigs. Every component has a user of its own, so that the audit log tells them apart.

# A certificate signed by the cluster's own authority. P-256: a key takes a millisecond, RSA a second.
certificate() { # name subject extensions...
  local name=$1 subject=$2
  shift 2
  printf '[req]\ndistinguished_name=dn\nx509_extensions=ext\n[dn]\n[ext]\n' >"$dir/pki/$name.cnf"
  printf '%s\n' "$@" >>"$dir/pki/$name.cnf"
  local -a signer=(-CA "$dir/pki/ca.crt" -CAkey "$dir/pki/ca.key")
  if [ "$name" = ca ]; then signer=(); fi
  openssl req -x509 -config "$dir/pki/$name.cnf" -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 \
    -days 365 -subj "$subject" "${signer[@]}" -keyout "$dir/pki/$name.key" -out "$dir/pki/$name.crt" \
    >>"$dir/logs/openssl.log" 2>&1 || {
    say "openssl failed; the end of $dir/logs/openssl.log:"
    tail -n 10 "$dir/logs/openssl.log" >&2
    return 1
  }
  rm "$dir/pki/$name.cnf"
}

make_certificates() {
  certificate ca /CN=inferscale-local basicConstraints=critical,CA:true keyUsage=critical,keyCertSign,cRLSign
  certificate server /CN=kube-apiserver extendedKeyUsage=serverAuth \
    subjectAltName=DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.0.0.1
  local client=extendedKeyUsage=clientAuth
  certificate admin /O=system:masters/CN=admin $client
  certificate kwok /O=system:masters/CN=kwok $client
  certificate kube-controller-manager /CN=system:kube-controller-manager $client
  certificate kube-scheduler /CN=system:kube-scheduler $client
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$dir/pki/service-account.key" \
    2>>"$dir/logs/openssl.log"
  openssl pkey -in "$dir/pki/service-account.key" -pubout -out "$dir/pki/service-account.pub"
}

# A kubeconfig that needs no other file. The last arguments are the user's credentials, one YAML line each.
write_kubeconfig() { # file user credential-lines...
  local file=$1 user=$2
  shift 2
  {
    printf 'apiVersion: v1\nkind: Config\ncurrent-context: local\n'
    printf 'clusters:\n- name: local\n  cluster:\n    server: https://127.0.0.1:%s\n' "$(port_of kube-apiserver)"
    printf '    certificate-authority-data: %s\n' "$(base64 -w0 "$dir/pki/ca.crt")"
    printf 'contexts:\n- name: local\n  context: {cluster: local, user: "%s"}\n' "$user"
    printf 'users:\n- name: "%s"\n  user:\n' "$user"
    printf '    %s\n' "$@"
  } >"$file"
}

write_kubeconfigs() {
  local user file
  for user in admin kwok kube-controller-manager kube-scheduler; do
    file="$dir/kubeconfigs/$user"
    if [ "$user" = admin ]; then file="$dir/kubeconfig"; fi
    write_kubeconfig "$file" "$user" "client-certificate-data: $(base64 -w0 "$dir/pki/$user.crt")" \
      "client-key-data: $(base64 -w0 "$dir/pki/$user.key")"
  done
}
