//! Which containers hold which GPUs and instances: the kubelet's answer joined with what NVML sees. No I/O.

use std::collections::BTreeMap;

use super::device_id::DeviceId;
use super::pod_resources::messages::{ClaimResource, ListResponse};
use super::reading::NodeReading;

/// One container that holds a device or a share of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The container's name.
    pub container: String,
    /// Such as `nvidia.com/gpu`; of a claim, the DRA driver.
    pub resource: String,
    /// The claim's name; empty with a device plugin.
    pub claim: String,
    /// Whether others may hold shares of the same device.
    pub shared: bool,
}

/// Who holds what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders {
    /// By the UUID of the GPU or instance, in order, each container once.
    pub of: BTreeMap<String, Vec<Holder>>,
    /// NVIDIA's devices that pods hold and that cannot be told apart here, by resource.
    pub unresolved: BTreeMap<String, u64>,
}

impl Holders {
    /// Joins the kubelet's answer with what there is.
    pub fn join(pods: &ListResponse, node: &NodeReading) -> Self {
        let mut holders = Self::default();
        for pod in &pods.pods {
            for container in &pod.containers {
                let holder = |resource: &str, claim: &str, shared| Holder {
                    namespace: pod.namespace.clone(),
                    pod: pod.name.clone(),
                    container: container.name.clone(),
                    resource: resource.to_owned(),
                    claim: claim.to_owned(),
                    shared,
                };
                for devices in container.devices.iter().filter(|devices| is_nvidia(&devices.resource)) {
                    for id in &devices.ids {
                        let id = DeviceId::of_plugin(id);
                        let shared = id.as_ref().is_some_and(|id| id.shared);
                        let device = id.and_then(|id| id.resolve(node));
                        holders.add(device, holder(&devices.resource, "", shared));
                    }
                }
                for claim in &container.claims {
                    for resource in claim.resources.iter().filter(|resource| is_nvidia(&resource.driver)) {
                        holders.add(of_claim(resource, node), holder(&resource.driver, &claim.name, false));
                    }
                }
            }
        }
        for list in holders.of.values_mut() {
            list.sort();
            list.dedup();
        }
        holders
    }

    fn add(&mut self, device: Option<String>, holder: Holder) {
        match device {
            Some(uuid) => self.of.entry(uuid).or_default().push(holder),
            None => *self.unresolved.entry(holder.resource).or_default() += 1,
        }
    }

    /// The pod and container that alone hold a device: nobody when it is shared out.
    pub fn sole(&self, uuid: &str) -> Option<&Holder> {
        let mut holders = self.of.get(uuid)?.iter();
        let first = holders.next()?;
        (holders.next().is_none() && !first.shared).then_some(first)
    }
}

/// `nvidia.com/...` and `gpu.nvidia.com`; other vendors' devices are not this program's.
fn is_nvidia(resource: &str) -> bool {
    let domain = resource.split('/').next().unwrap_or_default();
    domain == "nvidia.com" || domain.ends_with(".nvidia.com")
}

/// A UUID in a CDI name is certain; the driver's own name may mean one of several.
fn of_claim(resource: &ClaimResource, node: &NodeReading) -> Option<String> {
    let by_cdi = resource.cdi.iter().filter_map(|cdi| DeviceId::of_cdi(&cdi.name));
    let by_name = DeviceId::of_claim(&resource.device);
    by_cdi.chain(by_name).find_map(|id| id.resolve(node))
}

#[cfg(test)]
#[path = "holders_tests.rs"]
mod tests;
