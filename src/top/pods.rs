//! Which workload a pod belongs to, told from its name. Pure.
//!
//! A user of `top` may read InferenceDeployments and need not have any right on pods, so their owners are not asked
//! for. Names that Kubernetes generates tell them reliably: random parts hold no vowels and none of 0, 1 and 3.

use std::collections::HashMap;

use inferscale_core::snapshot::ObjectKey;

/// Letters and digits of the random part of a name.
const RANDOM: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// How a workload names its pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Shape {
    /// `chat-7d9f8b6c54-x2v5k`
    Deployment,
    /// `chat-x2v5k`
    ReplicaSet,
    /// `chat-0`; the leader of a `LeaderWorkerSet` too, its workers are `chat-0-1`.
    Ordinal,
}

impl Shape {
    fn of(kind: &str) -> Option<Self> {
        match kind {
            "Deployment" => Some(Self::Deployment),
            "ReplicaSet" => Some(Self::ReplicaSet),
            "StatefulSet" | "LeaderWorkerSet" => Some(Self::Ordinal),
            _ => None,
        }
    }
}

/// The workloads of all objects, by how they name their pods.
#[derive(Debug, Default)]
pub struct Owners(HashMap<(Shape, String, String), ObjectKey>);

impl Owners {
    /// A workload of an object, in the object's namespace. A kind whose pods cannot be told is left out.
    pub fn add(&mut self, object: &ObjectKey, kind: &str, name: &str) {
        if let Some(shape) = Shape::of(kind) {
            self.0
                .insert((shape, object.namespace.clone(), name.to_owned()), object.clone());
        }
    }

    /// The object that a pod serves.
    pub fn of(&self, namespace: &str, pod: &str) -> Option<&ObjectKey> {
        let look = |shape, name: &str| self.0.get(&(shape, namespace.to_owned(), name.to_owned()));
        if let Some(set) = without_random(pod, 5..=5) {
            let deployment = without_random(set, 1..=10).and_then(|name| look(Shape::Deployment, name));
            if let Some(found) = deployment.or_else(|| look(Shape::ReplicaSet, set)) {
                return Some(found);
            }
        }
        let leader = without_ordinal(pod)?;
        look(Shape::Ordinal, leader).or_else(|| look(Shape::Ordinal, without_ordinal(leader)?))
    }
}

fn without_random(name: &str, length: std::ops::RangeInclusive<usize>) -> Option<&str> {
    let (rest, end) = name.rsplit_once('-')?;
    (length.contains(&end.len()) && end.bytes().all(|b| RANDOM.contains(&b))).then_some(rest)
}

fn without_ordinal(name: &str) -> Option<&str> {
    let (rest, end) = name.rsplit_once('-')?;
    (!end.is_empty() && end.bytes().all(|b| b.is_ascii_digit())).then_some(rest)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey {
            namespace: "prod".into(),
            name: name.into(),
        }
    }

    #[rstest]
    #[case("chat-7d9f8b6c54-x2v5k", Some("chat"))]
    #[case::another_deployment_that_begins_alike("chat-large-7d9f8b6c54-x2v5k", Some("large"))]
    #[case::a_replica_set_that_looks_like_a_hash("chat-blue-x2v5k", Some("blue"))]
    #[case("embed-0", Some("embed"))]
    #[case("embed-12", Some("embed"))]
    #[case("ranks-0", Some("ranks"))]
    #[case("ranks-0-3", Some("ranks"))]
    #[case::no_pod_of_it("chat", None)]
    #[case("chat-0", None)]
    #[case("chat-", None)]
    #[case("other-7d9f8b6c54-x2v5k", None)]
    fn a_pod_is_found_by_its_name(#[case] pod: &str, #[case] object: Option<&str>) {
        let mut owners = Owners::default();
        owners.add(&key("chat"), "Deployment", "chat");
        owners.add(&key("large"), "Deployment", "chat-large");
        owners.add(&key("blue"), "ReplicaSet", "chat-blue");
        owners.add(&key("embed"), "StatefulSet", "embed");
        owners.add(&key("ranks"), "LeaderWorkerSet", "ranks");
        owners.add(&key("rollout"), "Rollout", "other");
        assert_eq!(owners.of("prod", pod), object.map(key).as_ref());
        assert_eq!(owners.of("dev", pod), None);
    }
}
