//! Messages of `v1.PodResourcesLister`, as far as they are read; what else comes is skipped.
//!
//! Written by hand after the API's definition, so that no protoc is needed. The numbers are the wire's.

/// Asks for everything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct ListRequest {}

/// All pods of the node that are not over.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ListResponse {
    /// One a pod.
    #[prost(message, repeated, tag = "1")]
    pub pods: Vec<Pod>,
}

/// One pod. It has no UID here.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Pod {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its namespace.
    #[prost(string, tag = "2")]
    pub namespace: String,
    /// One a container.
    #[prost(message, repeated, tag = "3")]
    pub containers: Vec<Container>,
}

/// One container.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Container {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What device plugins gave it, by resource.
    #[prost(message, repeated, tag = "2")]
    pub devices: Vec<Devices>,
    /// What DRA drivers gave it, by claim.
    #[prost(message, repeated, tag = "5")]
    pub claims: Vec<Claim>,
}

/// Devices of one resource.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Devices {
    /// Such as `nvidia.com/gpu`.
    #[prost(string, tag = "1")]
    pub resource: String,
    /// The plugin's names for them.
    #[prost(string, repeated, tag = "2")]
    pub ids: Vec<String>,
}

/// One claim.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Claim {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// What it got.
    #[prost(message, repeated, tag = "4")]
    pub resources: Vec<ClaimResource>,
}

/// One device of a claim.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ClaimResource {
    /// Its names in the container runtime's terms.
    #[prost(message, repeated, tag = "1")]
    pub cdi: Vec<CdiDevice>,
    /// Such as `gpu.nvidia.com`.
    #[prost(string, tag = "2")]
    pub driver: String,
    /// The pool that the device is of, most often the node.
    #[prost(string, tag = "3")]
    pub pool: String,
    /// The driver's name for it.
    #[prost(string, tag = "4")]
    pub device: String,
}

/// One name in the container runtime's terms.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct CdiDevice {
    /// Such as `k8s.gpu.nvidia.com/device=gpu-0`.
    #[prost(string, tag = "1")]
    pub name: String,
}
