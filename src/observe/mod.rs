//! The senses: Prometheus and the cluster's stores into a snapshot.

pub mod prometheus;
