//! The page in Prometheus' text format: our names, and DCGM's where they are wanted. No I/O.

use std::collections::BTreeMap;

use super::dcgm;
use super::holders::Holders;
use super::metrics::{self, Figure, METRICS, Special};
use super::processes::PodOfProcess;
use super::reading::{Common, GpuReading, InstanceReading, NodeReading};
use super::specials;
use super::text::{Text, label};

/// All that a page shows of the devices.
#[derive(Debug, Default)]
pub struct Contents {
    /// What the GPUs tell.
    pub node: NodeReading,
    /// Who holds them.
    pub holders: Holders,
    /// Bytes by device and pod.
    pub pod_memory: BTreeMap<String, BTreeMap<PodOfProcess, u64>>,
    /// Readings that failed since the start, by GPU and why.
    pub failures: BTreeMap<(u32, &'static str), u64>,
    /// The node's name with DCGM's names; none without them.
    pub dcgm_host: Option<String>,
}

/// What the exporter says of itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Own {
    /// Whether NVML answers.
    pub library_up: bool,
    /// How often it was opened.
    pub opened: u64,
    /// Seconds since 1970.
    pub sampled: Option<f64>,
    /// Seconds.
    pub took: Option<f64>,
    /// Whether the kubelet answers; none when it is not asked.
    pub pods_up: Option<bool>,
}

/// A GPU or one of its instances.
#[derive(Debug, Clone, Copy)]
pub struct Device<'a> {
    /// The GPU.
    pub gpu: &'a GpuReading,
    /// The instance, where it is one.
    pub mig: Option<&'a InstanceReading>,
}

impl Device<'_> {
    /// Its UUID.
    pub fn uuid(&self) -> Option<&str> {
        match self.mig {
            Some(mig) => Some(&mig.uuid),
            None => self.gpu.identity.uuid.as_deref(),
        }
    }

    /// What both kinds have.
    pub fn common(&self) -> &Common {
        self.mig.map_or(&self.gpu.common, |mig| &mig.common)
    }

    /// A figure of it.
    pub fn figure(&self, figure: Figure) -> Option<f64> {
        match (figure, self.mig) {
            (Figure::Common(read), _) => read(self.common()),
            (Figure::Whole(read), None) => read(&self.gpu.whole),
            (Figure::Whole(_), Some(_)) => None,
        }
    }
}

/// Every GPU, followed by its instances.
pub fn devices(node: &NodeReading) -> impl Iterator<Item = Device<'_>> {
    node.gpus.iter().flat_map(|gpu| {
        let own = Device { gpu, mig: None };
        let instances = gpu.instances.iter().map(move |mig| Device { gpu, mig: Some(mig) });
        std::iter::once(own).chain(instances)
    })
}

/// The text of the devices' metrics.
pub fn render(contents: &Contents) -> String {
    let mut page = Text::default();
    // The labels of a device are the same on each of its series.
    let devices: Vec<(Device<'_>, String)> = devices(&contents.node)
        .map(|device| (device, labels(&device)))
        .collect();
    for metric in METRICS {
        let mut family = page.family(metric.name, metric.kind, metric.help);
        for (device, labels) in &devices {
            if let Some(value) = device.figure(metric.figure) {
                family.sample(labels, &[], value);
            }
        }
    }
    specials::render(&mut page, contents, &devices);
    if let Some(host) = &contents.dcgm_host {
        dcgm::render(&mut page, contents, host);
    }
    page.into_text()
}

/// The text of the exporter's own metrics.
pub fn render_own(own: Own) -> String {
    let mut page = Text::default();
    let mut one = |special: Special, value: Option<f64>| {
        let mut family = page.special(special);
        if let Some(value) = value {
            family.sample("", &[], value);
        }
    };
    let truth = |yes: bool| f64::from(u8::from(yes));
    one(metrics::LIBRARY, Some(truth(own.library_up)));
    one(metrics::OPENED, Some(own.opened as f64));
    one(metrics::SAMPLED, own.sampled);
    one(metrics::TOOK, own.took);
    one(metrics::PODS, own.pods_up.map(truth));
    page.special(metrics::BUILD)
        .sample("", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    page.into_text()
}

/// `gpu="0",uuid="GPU-…"`, and of an instance its profile and numbers.
fn labels(device: &Device<'_>) -> String {
    let mut text = String::new();
    label(&mut text, "gpu", &device.gpu.index.to_string());
    if let Some(uuid) = device.uuid() {
        label(&mut text, "uuid", uuid);
    }
    if let Some(mig) = device.mig {
        label(&mut text, "mig_profile", mig.profile.as_deref().unwrap_or_default());
        let numbers = [
            ("gpu_instance", mig.gpu_instance),
            ("compute_instance", mig.compute_instance),
        ];
        for (name, number) in numbers {
            label(
                &mut text,
                name,
                &number.map(|number| number.to_string()).unwrap_or_default(),
            );
        }
    }
    text
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
