//! Label selectors. Pure.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{ParseExpressionError, Selector as KubeSelector, SelectorExt};

/// A label selector that names at least one label with its value, so that pods can be found by an index.
#[derive(Debug, Clone)]
pub struct Selector {
    first: Option<(String, String)>,
    selector: KubeSelector,
}

impl Selector {
    /// The selector of a workload.
    ///
    /// # Errors
    /// When an expression in it is malformed.
    pub fn new(selector: &LabelSelector) -> Result<Self, ParseExpressionError> {
        let first = selector
            .match_labels
            .iter()
            .flatten()
            .next()
            .map(|(k, v)| (k.clone(), v.clone()));
        Ok(Self {
            first,
            selector: selector.clone().try_into()?,
        })
    }

    /// One label that every selected pod carries; `None` = the selector consists of expressions only.
    pub fn first(&self) -> Option<(&str, &str)> {
        self.first.as_ref().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// Whether it selects an object with these labels.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.selector.matches(labels)
    }
}
