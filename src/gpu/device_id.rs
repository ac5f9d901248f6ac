//! The names that device plugins and DRA drivers give to GPUs, and which GPU or instance each means. No I/O.
//!
//! | form | whose | means |
//! |---|---|---|
//! | `GPU-<uuid>` | NVIDIA's plugin | a GPU |
//! | `MIG-<uuid>` | NVIDIA's plugin | an instance |
//! | `MIG-GPU-<uuid>/<gi>/<ci>` | NVIDIA's plugin on drivers before 470 | an instance |
//! | any of these with `::N` at its end | time-slicing, MPS | a share of it |
//! | `nvidiaN`, `nvidiaN/giM` | GKE's plugin | the GPU `/dev/nvidiaN`, its GPU instance M |
//! | either with `/vgpuK` at its end | GKE's time-sharing, MPS | a share of it |
//! | `gpu-N`, `gpu-N-mig-<profile id>-<start>-<size>` | NVIDIA's DRA driver | the GPU `/dev/nvidiaN`, one of its instances |

use super::reading::{GpuReading, InstanceReading, NodeReading};

/// A name that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceId {
    /// What it names.
    pub device: Named,
    /// Whether others may hold shares of the same.
    pub shared: bool,
}

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A GPU or an instance by its UUID.
    Uuid(String),
    /// A MIG device by the GPU's UUID and its two numbers.
    Instance {
        /// The GPU's UUID.
        parent: String,
        /// GPU instance.
        gpu_instance: u32,
        /// Compute instance.
        compute_instance: u32,
    },
    /// A GPU by the number in `/dev/nvidiaN`.
    Minor(u32),
    /// A GPU instance of it.
    MinorInstance {
        /// The GPU's number.
        minor: u32,
        /// GPU instance.
        gpu_instance: u32,
    },
    /// An instance of it, by how many slices it has.
    MinorSlices {
        /// The GPU's number.
        minor: u32,
        /// Slices, 1 to 7.
        slices: u32,
    },
}

impl DeviceId {
    /// Reads the name that a device plugin gave.
    pub fn of_plugin(text: &str) -> Option<Self> {
        let (text, replica) = match text.split_once("::") {
            Some((text, number)) => (text, is_number(number).then_some(true)?),
            None => (text, false),
        };
        let device = if let Some(rest) = text.strip_prefix("nvidia") {
            return of_gke(rest, replica);
        } else if let Some(rest) = text.strip_prefix("MIG-GPU-") {
            let mut parts = rest.split('/');
            let (uuid, gpu, compute) = (parts.next()?, parts.next()?, parts.next()?);
            if parts.next().is_some() || uuid.is_empty() {
                return None;
            }
            Named::Instance {
                parent: format!("GPU-{uuid}"),
                gpu_instance: gpu.parse().ok()?,
                compute_instance: compute.parse().ok()?,
            }
        } else {
            Named::Uuid(uuid(text)?.to_owned())
        };
        Some(Self {
            device,
            shared: replica,
        })
    }

    /// Reads the name of a device of NVIDIA's DRA driver.
    pub fn of_claim(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("gpu-")?.split('-');
        let minor = parts.next()?.parse().ok()?;
        let device = match (parts.next(), parts.next()) {
            (None, _) => Named::Minor(minor),
            (Some("mig"), Some(profile)) => Named::MinorSlices {
                minor,
                slices: slices(profile.parse().ok()?)?,
            },
            _ => return None,
        };
        Some(Self { device, shared: false })
    }

    /// Reads a CDI name such as `k8s.gpu.nvidia.com/device=GPU-<uuid>`: the drivers that put a UUID there say it best.
    pub fn of_cdi(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('=')?;
        let uuid = uuid(name).filter(|_| kind.contains("nvidia.com/"))?;
        Some(Self {
            device: Named::Uuid(uuid.to_owned()),
            shared: false,
        })
    }

    /// The UUID of the GPU or instance of this node that is meant; none when there is no such one, or more than one.
    pub fn resolve(&self, node: &NodeReading) -> Option<String> {
        let by_minor = |wanted: u32| node.gpus.iter().find(|gpu| gpu.identity.minor == Some(wanted));
        match &self.device {
            Named::Uuid(uuid) => {
                let mut known = node.gpus.iter().flat_map(|gpu| {
                    let instances = gpu.instances.iter().map(|mig| mig.uuid.as_str());
                    instances.chain(gpu.identity.uuid.as_deref())
                });
                known.find(|known| known == uuid).map(str::to_owned)
            }
            Named::Instance {
                parent,
                gpu_instance,
                compute_instance,
            } => {
                let gpu = node
                    .gpus
                    .iter()
                    .find(|gpu| gpu.identity.uuid.as_deref() == Some(parent))?;
                only(gpu, |mig| {
                    mig.gpu_instance == Some(*gpu_instance) && mig.compute_instance == Some(*compute_instance)
                })
            }
            Named::Minor(minor) => by_minor(*minor)?.identity.uuid.clone(),
            Named::MinorInstance { minor, gpu_instance } => {
                only(by_minor(*minor)?, |mig| mig.gpu_instance == Some(*gpu_instance))
            }
            // The name also says where the instance lies, which NVML does not: of two of a size none is meant.
            Named::MinorSlices { minor, slices } => only(by_minor(*minor)?, |mig| mig.slices == Some(*slices)),
        }
    }
}

/// What follows `nvidia` in a name of GKE's.
fn of_gke(rest: &str, replica: bool) -> Option<DeviceId> {
    let (rest, share) = match rest.split_once("/vgpu") {
        Some((rest, number)) => (rest, is_number(number).then_some(true)?),
        None => (rest, false),
    };
    let device = match rest.split_once("/gi") {
        Some((minor, gpu_instance)) => Named::MinorInstance {
            minor: minor.parse().ok()?,
            gpu_instance: gpu_instance.parse().ok()?,
        },
        None => Named::Minor(rest.parse().ok()?),
    };
    Some(DeviceId {
        device,
        shared: replica || share,
    })
}

/// The UUID of a GPU or instance: the prefix and at least one more character of the usual ones.
fn uuid(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("GPU-").or_else(|| text.strip_prefix("MIG-"))?;
    let usual = |c: char| c == '-' || c.is_ascii_alphanumeric();
    (!rest.is_empty() && rest.len() <= 64 && rest.chars().all(usual)).then_some(text)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The instance that a rule is true of, when it is the only one.
fn only(gpu: &GpuReading, is_it: impl Fn(&InstanceReading) -> bool) -> Option<String> {
    let mut fitting = gpu.instances.iter().filter(|mig| is_it(mig));
    let found = fitting.next()?;
    fitting.next().is_none().then(|| found.uuid.clone())
}

/// How many slices a MIG profile has, by NVIDIA's number of the profile.
fn slices(profile_id: u32) -> Option<u32> {
    match profile_id {
        15 | 19 | 20 | 21 => Some(1),
        14 => Some(2),
        9 => Some(3),
        5 => Some(4),
        0 => Some(7),
        _ => None,
    }
}

#[cfg(test)]
#[path = "device_id_tests.rs"]
mod tests;
