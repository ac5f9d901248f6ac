//! One open library, and looks through it. I/O: NVML.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use nvml_wrapper::{Nvml, cuda_driver_version_major, cuda_driver_version_minor};

use super::device;
use super::fault::Faults;
use super::gpm::Monitor;
use super::mig;
use super::published::Published;
use super::reading::{GpuReading, Identity, NodeReading};
use super::xid::{Counts, Watch};

/// More GPUs than a node has: a guard against a library that counts wrongly.
const MOST_GPUS: u32 = 256;

/// Looks through one open library.
#[derive(Debug)]
pub struct Session<'nvml> {
    nvml: &'nvml Nvml,
    watch: Watch<'nvml>,
    monitor: Monitor<'nvml>,
    known: BTreeMap<u32, Known>,
    with_processes: bool,
    /// Told which GPU is read, in case the driver hangs over it.
    published: Arc<Published>,
}

/// What does not change of a GPU while a session lasts.
#[derive(Debug, Clone, Default)]
struct Known {
    identity: Identity,
    /// Whether it has the performance monitor; none until this session asked.
    has_gpm: Option<bool>,
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed(pub &'static str);

impl<'nvml> Session<'nvml> {
    /// Begins to watch for critical errors. `before` tells who the GPUs were, in case one is lost now.
    pub fn new(nvml: &'nvml Nvml, with_processes: bool, before: &NodeReading, published: Arc<Published>) -> Self {
        let known = before.gpus.iter().map(|gpu| {
            let identity = gpu.identity.clone();
            (
                gpu.index,
                Known {
                    identity,
                    has_gpm: None,
                },
            )
        });
        Self {
            nvml,
            watch: Watch::start(nvml),
            monitor: Monitor::default(),
            known: known.filter(|(_, known)| known.identity.uuid.is_some()).collect(),
            with_processes,
            published,
        }
    }

    /// Reads every GPU once.
    ///
    /// # Errors
    /// When the library must be opened again.
    pub fn look(&mut self, xids: &mut Counts) -> Result<NodeReading, Closed> {
        self.published.looks_at(Some(0));
        self.watch.collect(xids);
        let mut faults = Faults::default();
        let count = faults.value(self.nvml.device_count()).map(|count| count.min(MOST_GPUS));
        let mut reading = NodeReading {
            driver_version: faults.value(self.nvml.sys_driver_version()),
            library_version: faults.value(self.nvml.sys_nvml_version()),
            cuda_version: faults.value(self.nvml.sys_cuda_driver_version()).map(|version| {
                format!(
                    "{}.{}",
                    cuda_driver_version_major(version),
                    cuda_driver_version_minor(version)
                )
            }),
            gpus: Vec::new(),
        };
        match (faults.closed, count) {
            (Some(why), _) => return Err(Closed(why)),
            (None, None) => return Err(Closed("NVML does not say how many GPUs there are")),
            (None, Some(count)) => {
                for index in 0..count {
                    self.published.looks_at(Some(index));
                    reading.gpus.push(self.gpu(index, xids)?);
                }
            }
        }
        let there: BTreeSet<&str> = reading
            .gpus
            .iter()
            .flat_map(|gpu| {
                gpu.instances
                    .iter()
                    .map(|mig| mig.uuid.as_str())
                    .chain(gpu.identity.uuid.as_deref())
            })
            .collect();
        self.monitor.keep_only(|uuid| there.contains(uuid));
        Ok(reading)
    }

    fn gpu(&mut self, index: u32, xids: &Counts) -> Result<GpuReading, Closed> {
        let mut faults = Faults::default();
        let mut reading = GpuReading {
            index,
            ..GpuReading::default()
        };
        self.read(index, xids, &mut reading, &mut faults);
        if let Some(why) = faults.closed {
            return Err(Closed(why));
        }
        if let Some(why) = faults.lost {
            // What was read before it was lost is of another moment than the rest: none of it counts.
            let known = self.known.get(&index).cloned().unwrap_or_default();
            let seen = known.identity.uuid.as_deref().map(|uuid| xids.of(uuid));
            reading = GpuReading {
                index,
                lost: Some(why),
                identity: known.identity,
                ..GpuReading::default()
            };
            // How it was lost is the one thing that is known.
            if let Some(seen) = seen.filter(|seen| seen.last.is_some()) {
                reading.whole.last_xid = seen.last;
                reading.whole.xids = Some(seen.counts);
            }
        }
        reading.failures = faults.failures;
        Ok(reading)
    }

    fn read(&mut self, index: u32, xids: &Counts, reading: &mut GpuReading, faults: &mut Faults) {
        let Some(device) = faults.value(self.nvml.device_by_index(index)) else {
            return;
        };
        let Some(uuid) = faults.value(device.uuid()) else {
            return;
        };
        let known = self.known.entry(index).or_default();
        if known.identity.uuid.as_deref() != Some(&uuid) || known.has_gpm.is_none() {
            known.identity = device::identity(&device, &uuid, faults);
            known.has_gpm = Some(device.gpm_support().unwrap_or(false));
        }
        reading.identity = known.identity.clone();
        let has_gpm = known.has_gpm == Some(true);
        let mig_enabled = mig::is_on(&device, faults);
        let seen = self.watch.covers(&uuid).then(|| xids.of(&uuid));
        reading.whole = device::whole(&device, mig_enabled, seen, faults);
        // In MIG mode the instances tell of their own processes.
        let is_cut = mig_enabled == Some(true);
        reading.common = device::common(&device, self.with_processes && !is_cut, faults);
        if faults.is_hopeless() {
            return;
        }
        if has_gpm {
            reading.common.gpm = self.monitor.look(self.nvml, &device, &uuid, None, faults);
        }
        if is_cut {
            let monitor = has_gpm.then_some(&mut self.monitor);
            reading.instances = mig::instances(self.nvml, &device, monitor, self.with_processes, faults);
        }
    }
}
