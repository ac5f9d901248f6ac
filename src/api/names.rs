//! The shapes of names that a user writes: patterns for CEL with what their messages say. Pure.

use super::rule::{self, CelRule};

/// What an object is told whose name does not fit into a label. An expression of CEL.
pub const TOO_LONG: &str = "'metadata.name has %d characters but must have at most 63, so that it fits into a label: \
                            choose a shorter name'.format([self.metadata.name.size()])";
/// A DNS label, RFC 1123.
const LABEL: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/// A DNS subdomain, RFC 1123.
const SUBDOMAIN: &str = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";
/// A name that an administrator chose in a file: an engine, a metric source, a product.
const WORD: &str = "^[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$";

/// Rules of the name of a variant.
pub fn label(field: &str, such_as: &str) -> Vec<CelRule> {
    rule::matches(
        field,
        LABEL,
        &format!("lower case letters, digits and -, beginning and ending with a letter or digit, such as {such_as}"),
    )
}

/// Rules of the name of a Kubernetes object.
pub fn object(field: &str, such_as: &str) -> Vec<CelRule> {
    rule::matches(
        field,
        SUBDOMAIN,
        &format!(
            "the name of an object (lower case letters, digits, - and ., beginning and ending with a letter or digit), \
             such as {such_as}"
        ),
    )
}

/// Rules of a name from a file of the administrator or the vendor; `what` says whose name it is.
pub fn word(field: &str, what: &str, such_as: &str) -> Vec<CelRule> {
    rule::matches(
        field,
        WORD,
        &format!(
            "{what} (letters, digits, -, . and _, beginning and ending with a letter or digit), such as {such_as}"
        ),
    )
}

/// Rules of the group and version of a kind.
pub fn api_version(field: &str) -> Vec<CelRule> {
    rule::matches(
        field,
        "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9][a-z0-9]*$",
        "a group and a version, such as apps/v1",
    )
}

/// Rules of a kind.
pub fn kind(field: &str) -> Vec<CelRule> {
    rule::matches(
        field,
        "^[A-Z][A-Za-z0-9]*$",
        "a kind (a capital letter, then letters and digits), such as Deployment",
    )
}

/// Rules of the name of a performance profile.
pub fn profile(field: &str) -> Vec<CelRule> {
    rule::matches(
        field,
        "^[A-Za-z0-9][-._A-Za-z0-9]*(/[A-Za-z0-9][-._A-Za-z0-9]*){2}$",
        "a profile as model/accelerator/precision, such as llama-3.1-8b/a100/bf16",
    )
}

/// Rules of the name of an extended resource.
pub fn resource(field: &str) -> Vec<CelRule> {
    rule::matches(
        field,
        "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?$",
        "the resource that a pod asks for as domain/name, such as nvidia.com/gpu",
    )
}
