//! The MIG devices of a GPU. I/O: NVML.

use inferscale_nvml::instance_ids;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

use super::device::common;
use super::fault::Faults;
use super::gpm::Monitor;
use super::reading::InstanceReading;

/// More than any GPU has: a guard against a library that counts wrongly.
const MOST: u32 = 64;

/// Whether MIG is on; none where there is no MIG.
pub fn is_on(device: &Device<'_>, faults: &mut Faults) -> Option<bool> {
    // Some GPUs without MIG call the question itself wrong.
    let mode = match device.mig_mode() {
        Err(NvmlError::InvalidArg) => return None,
        mode => faults.value(mode)?,
    };
    Some(mode.current != 0)
}

/// What the instances do.
pub fn instances<'nvml>(
    nvml: &'nvml Nvml,
    device: &Device<'nvml>,
    gpm: Option<&mut Monitor<'nvml>>,
    with_processes: bool,
    faults: &mut Faults,
) -> Vec<InstanceReading> {
    let count = faults.value(device.mig_device_count()).unwrap_or(0).min(MOST);
    let mut gpm = gpm;
    let mut found = Vec::new();
    for index in 0..count {
        // NOT_FOUND for an empty place.
        let Some(mig) = faults.value(device.mig_device_by_index(index)) else {
            continue;
        };
        let Some(uuid) = faults.value(mig.uuid()) else {
            continue;
        };
        let ids = faults.value(instance_ids(&mig));
        let mut common = common(&mig, with_processes, faults);
        if let (Some(monitor), Some(ids)) = (gpm.as_deref_mut(), ids) {
            common.gpm = monitor.look(nvml, device, &uuid, Some(ids.gpu), faults);
        }
        let attributes = faults.value(mig.attributes());
        found.push(InstanceReading {
            profile: faults.value(mig.name()).as_deref().and_then(profile),
            slices: attributes.map(|attributes| attributes.gpu_instance_slice_count),
            gpu_instance: ids.map(|ids| ids.gpu),
            compute_instance: ids.map(|ids| ids.compute),
            uuid,
            common,
        });
    }
    found
}

/// The profile at the end of an instance's name: `NVIDIA A100-SXM4-40GB MIG 1g.5gb`.
fn profile(name: &str) -> Option<String> {
    name.rsplit_once("MIG ").map(|(_, profile)| profile.trim().to_owned())
}
