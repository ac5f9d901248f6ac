//! Where Prometheus is: what the user says, else what the operator's `ConfigMap` says. I/O (one GET).

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};

use super::query::Prometheus;
use crate::config::{MetricsSource, OperatorConfig};

/// The file in the `ConfigMap`.
const FILE: &str = "config.yaml";
/// What a user does when there are no live columns.
const FIX: &str = "give --prometheus URL";

/// Checks what a user gave as `--prometheus`.
///
/// # Errors
/// In words for people.
pub fn parse(text: &str) -> Result<String, String> {
    let such_as = "write one such as http://localhost:9090";
    let url = match reqwest::Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => url,
        Ok(_) => return Err(format!("it is neither http:// nor https://: {such_as}")),
        Err(error) => return Err(format!("it is not an address ({error}): {such_as}")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "it holds a user or a password, which everybody on this machine could read: use kubectl port-forward, and {such_as}"
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("it has something after ? or #: {such_as}"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Checks what a user gave as `--config-map`: namespace and name.
///
/// # Errors
/// In words for people.
pub fn config_map(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        _ => Err("it is not NAMESPACE/NAME: write one such as inferscale-system/inferscale".to_owned()),
    }
}

/// The Prometheus that the operator reads, by its `ConfigMap`, else why there is none to ask. A `ConfigMap` that is
/// missing, or that the user may not read, is no error: the table then has no live columns.
///
/// # Errors
/// In words for people, with what to do.
pub async fn from_config_map(client: &Client, (namespace, name): &(String, String)) -> Result<Prometheus, String> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let no = |why: &str| format!("no live columns: the ConfigMap {namespace}/{name} {why}; {FIX}");
    let map = match tokio::time::timeout(super::fleet::LIMIT, api.get_opt(name)).await {
        Ok(Ok(Some(map))) => map,
        Ok(Ok(None)) => return Err(no("does not exist")),
        Ok(Err(kube::Error::Api(status))) if status.code == 403 => return Err(no("may not be read")),
        Ok(Err(_)) | Err(_) => return Err(no("cannot be read")),
    };
    let Some(text) = map.data.as_ref().and_then(|data| data.get(FILE)) else {
        return Err(no("has no config.yaml"));
    };
    let source = source(text).map_err(|why| no(&why))?;
    Prometheus::new(&source).map_err(|error| no(&format!("names {}, which {error}", source.url)))
}

/// The source that is asked: the one that objects use by default, else the first.
fn source(text: &str) -> Result<MetricsSource, String> {
    let config = OperatorConfig::parse(text, FILE).map_err(|_| "holds no configuration of this version".to_owned())?;
    let source = config.source("default").or_else(|| config.metrics_sources.first());
    let source = source.ok_or("names no metrics source")?;
    if source.bearer_token_file.is_some() || source.ca_file.is_some() {
        return Err(format!(
            "names {}, whose bearerTokenFile or caFile only the operator has",
            source.url
        ));
    }
    Ok(source.clone())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("http://localhost:9090", Ok("http://localhost:9090"))]
    #[case("https://mimir.example.com/prometheus/", Ok("https://mimir.example.com/prometheus"))]
    #[case("localhost:9090", Err("neither http:// nor https://"))]
    #[case("prometheus", Err("not an address"))]
    #[case("ftp://prometheus", Err("neither http:// nor https://"))]
    #[case("http://me:secret@prometheus", Err("a user or a password"))]
    #[case("http://prometheus/?query=up", Err("after ? or #"))]
    fn an_address_is_checked_before_anything_is_sent(#[case] text: &str, #[case] expected: Result<&str, &str>) {
        match (parse(text), expected) {
            (Ok(url), Ok(expected)) => assert_eq!(url, expected),
            (Err(error), Err(says)) => assert!(error.contains(says) && !error.contains("secret"), "{error}"),
            (got, _) => panic!("{got:?}"),
        }
    }

    #[rstest]
    #[case("inferscale-system/inferscale", true)]
    #[case("inferscale", false)]
    #[case("/inferscale", false)]
    #[case("a/b/c", false)]
    fn a_config_map_has_a_namespace_and_a_name(#[case] text: &str, #[case] fits: bool) {
        assert_eq!(config_map(text).is_ok(), fits);
    }

    #[test]
    fn the_source_called_default_is_asked() {
        let text = "metricsSources: [{name: a, url: 'http://a'}, {name: default, url: 'http://b', headers: {X-Scope-OrgID: t}}]";
        let found = source(text).unwrap();
        assert_eq!(found.url, "http://b");
        assert_eq!(found.headers.len(), 1);
        assert_eq!(
            source("metricsSources: [{name: a, url: 'http://a'}]").unwrap().url,
            "http://a"
        );
    }

    #[test]
    fn a_source_whose_token_only_the_operator_has_is_not_asked_without_it() {
        let text = "metricsSources: [{name: default, url: 'https://a', bearerTokenFile: /var/run/token}]";
        assert!(source(text).unwrap_err().contains("only the operator has"));
        assert!(source("metricSources: []").unwrap_err().contains("no configuration"));
    }
}
