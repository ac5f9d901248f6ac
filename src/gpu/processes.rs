//! Processes on a device, and what their memory is per pod. I/O: NVML; `/proc` and the folder of the pods' logs.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use nvml_wrapper::Device;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;

use super::cgroup::pod_uid;
use super::fault::Faults;
use super::reading::Process;

/// The processes with a compute context, each once: a client of MPS may be in both of NVML's lists.
pub fn of(device: &Device<'_>, faults: &mut Faults) -> Option<Vec<Process>> {
    let mut own = faults.value(device.running_compute_processes())?;
    own.extend(faults.value(device.mps_running_compute_processes()).unwrap_or_default());
    let mut by_pid: BTreeMap<u32, Option<u64>> = BTreeMap::new();
    for process in own {
        let memory = by_pid.entry(process.pid).or_default();
        *memory = (*memory).max(used(&process));
    }
    Some(
        by_pid
            .into_iter()
            .map(|(pid, memory)| Process { pid, memory })
            .collect(),
    )
}

fn used(process: &ProcessInfo) -> Option<u64> {
    match process.used_gpu_memory {
        UsedGpuMemory::Used(bytes) => Some(bytes),
        UsedGpuMemory::Unavailable => None,
    }
}

/// A pod, as far as its name is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodOfProcess {
    /// Empty for processes of no pod.
    pub uid: String,
    /// Empty when it is not known.
    pub namespace: String,
    /// Empty when it is not known.
    pub name: String,
}

/// Finds the pods of processes.
#[derive(Debug)]
pub struct Finder {
    proc: PathBuf,
    pod_logs: Option<PathBuf>,
    /// Names by UID, from the last listing.
    names: HashMap<String, (String, String)>,
}

/// A process' cgroups are some lines; more is none.
const MOST_CGROUP_BYTES: u64 = 16 << 10;
/// A node runs some hundred pods.
const MOST_PODS: usize = 10_000;

impl Finder {
    /// Looks into `proc` (the node's), and learns names from `pod_logs` (the kubelet's `/var/log/pods`).
    pub fn new(proc: PathBuf, pod_logs: Option<PathBuf>) -> Self {
        Self {
            proc,
            pod_logs,
            names: HashMap::new(),
        }
    }

    /// Bytes by pod. A process that is gone meanwhile, or that tells no memory, is left out.
    pub fn memory_by_pod(&mut self, processes: &[Process]) -> BTreeMap<PodOfProcess, u64> {
        let mut sums: BTreeMap<PodOfProcess, u64> = BTreeMap::new();
        for process in processes {
            let (Some(memory), Some(cgroup)) = (process.memory, read_cgroup(&self.proc, process.pid)) else {
                continue;
            };
            *sums.entry(self.pod(pod_uid(&cgroup).unwrap_or_default())).or_default() += memory;
        }
        sums
    }

    fn pod(&mut self, uid: String) -> PodOfProcess {
        if !uid.is_empty() && !self.names.contains_key(&uid) {
            self.names = self.pod_logs.as_deref().map(list_names).unwrap_or_default();
        }
        let (namespace, name) = self.names.get(&uid).cloned().unwrap_or_default();
        PodOfProcess { uid, namespace, name }
    }
}

fn read_cgroup(proc: &Path, pid: u32) -> Option<String> {
    let mut text = String::new();
    let file = File::open(proc.join(pid.to_string()).join("cgroup")).ok()?;
    file.take(MOST_CGROUP_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The kubelet names the folder of a pod's logs `namespace_name_uid`.
fn list_names(folder: &Path) -> HashMap<String, (String, String)> {
    let entries = fs::read_dir(folder).into_iter().flatten().take(MOST_PODS).flatten();
    let parse = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let mut parts = name.to_str()?.splitn(3, '_');
        let (namespace, pod, uid) = (parts.next()?, parts.next()?, parts.next()?);
        Some((uid.to_owned(), (namespace.to_owned(), pod.to_owned())))
    };
    entries.filter_map(parse).collect()
}
