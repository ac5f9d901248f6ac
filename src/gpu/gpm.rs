//! The performance monitor of Hopper and newer: figures between two looks, of GPUs and of instances. I/O: NVML.

use std::collections::HashMap;

use nvml_wrapper::enums::gpm::GpmMetricId;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::gpm::gpm_metrics_get;
use nvml_wrapper::{Device, GpmSample, Nvml};

use super::fault::Faults;
use super::reading::Gpm;

const WANTED: [GpmMetricId; 5] = [
    GpmMetricId::GraphicsUtil,
    GpmMetricId::SmUtil,
    GpmMetricId::SmOccupancy,
    GpmMetricId::AnyTensorUtil,
    GpmMetricId::DramBwUtil,
];

/// The sample of the look before, by the UUID of the GPU or instance.
#[derive(Debug, Default)]
pub struct Monitor<'nvml> {
    before: HashMap<String, GpmSample<'nvml>>,
}

impl<'nvml> Monitor<'nvml> {
    /// The figures since the last look; none at the first. `instance` = the number of the GPU instance.
    pub fn look(
        &mut self,
        nvml: &'nvml Nvml,
        device: &Device<'nvml>,
        uuid: &str,
        instance: Option<u32>,
        faults: &mut Faults,
    ) -> Gpm {
        let sample = match instance {
            Some(instance) => device.gpm_mig_sample(instance),
            None => device.gpm_sample(),
        };
        let Some(sample) = faults.value(sample) else {
            self.before.remove(uuid);
            return Gpm::default();
        };
        let figures = self.before.get(uuid).map(|before| figures(nvml, before, &sample));
        self.before.insert(uuid.to_owned(), sample);
        figures.and_then(|figures| faults.value(figures)).unwrap_or_default()
    }

    /// Forgets what is not there any more.
    pub fn keep_only(&mut self, mut is_there: impl FnMut(&str) -> bool) {
        self.before.retain(|uuid, _| is_there(uuid));
    }
}

fn figures<'nvml>(nvml: &'nvml Nvml, before: &GpmSample<'nvml>, now: &GpmSample<'nvml>) -> Result<Gpm, NvmlError> {
    let mut gpm = Gpm::default();
    // A metric that this GPU lacks is absent; the others stay.
    for metric in gpm_metrics_get(nvml, before, now, &WANTED)?.into_iter().flatten() {
        let share = Some(metric.value / 100.0).filter(|share| share.is_finite());
        match metric.metric_id {
            GpmMetricId::GraphicsUtil => gpm.engine_active = share,
            GpmMetricId::SmUtil => gpm.sm_active = share,
            GpmMetricId::SmOccupancy => gpm.sm_occupancy = share,
            GpmMetricId::AnyTensorUtil => gpm.tensor_active = share,
            GpmMetricId::DramBwUtil => gpm.dram_active = share,
            _ => {}
        }
    }
    Ok(gpm)
}
