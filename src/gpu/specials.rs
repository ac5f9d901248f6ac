//! Metrics with labels of their own: who the devices are, who holds them, what goes wrong. No I/O.

use strum::IntoEnumIterator as _;

use super::metrics;
use super::page::{Contents, Device};
use super::text::Text;
use super::throttle::Reason;

/// Devices with their labels, as they are written.
type Devices<'a> = [(Device<'a>, String)];

/// Appends them.
pub fn render(page: &mut Text, contents: &Contents, devices: &Devices<'_>) {
    identities(page, contents, devices);
    pods(page, contents, devices);
    troubles(page, contents, devices);
}

fn identities(page: &mut Text, contents: &Contents, devices: &Devices<'_>) {
    let node = &contents.node;
    let mut info = page.special(metrics::INFO);
    for (device, labels) in devices {
        let identity = &device.gpu.identity;
        let file = identity.minor.map(|minor| format!("nvidia{minor}"));
        let parent = device.mig.and(identity.uuid.as_deref());
        let all = [
            ("name", identity.name.as_deref()),
            ("pci_bus_id", identity.pci_bus_id.as_deref()),
            ("device", file.as_deref()),
            ("parent_uuid", parent),
            ("driver_version", node.driver_version.as_deref()),
            ("cuda_version", node.cuda_version.as_deref()),
        ];
        let known: Vec<(&str, &str)> = all
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        info.sample(labels, &known, 1.0);
    }
}

fn pods(page: &mut Text, contents: &Contents, devices: &Devices<'_>) {
    let mut holder = page.special(metrics::HOLDER);
    for (device, labels) in devices {
        for of in device
            .uuid()
            .and_then(|uuid| contents.holders.of.get(uuid))
            .into_iter()
            .flatten()
        {
            let extra = [
                ("namespace", of.namespace.as_str()),
                ("pod", &of.pod),
                ("container", &of.container),
                ("resource", &of.resource),
                ("claim", &of.claim),
                ("shared", if of.shared { "true" } else { "false" }),
            ];
            holder.sample(labels, &extra, 1.0);
        }
    }
    let mut memory = page.special(metrics::POD_MEMORY);
    for (device, labels) in devices {
        for (pod, bytes) in device
            .uuid()
            .and_then(|uuid| contents.pod_memory.get(uuid))
            .into_iter()
            .flatten()
        {
            let extra = [
                ("namespace", pod.namespace.as_str()),
                ("pod", &pod.name),
                ("pod_uid", &pod.uid),
            ];
            memory.sample(labels, &extra, *bytes as f64);
        }
    }
    let mut unresolved = page.special(metrics::UNRESOLVED);
    for (resource, count) in &contents.holders.unresolved {
        unresolved.sample("", &[("resource", resource)], *count as f64);
    }
}

fn troubles(page: &mut Text, contents: &Contents, devices: &Devices<'_>) {
    let gpus = || {
        devices
            .iter()
            .filter(|(device, _)| device.mig.is_none())
            .map(|(device, labels)| (device.gpu, labels))
    };
    let mut throttle = page.special(metrics::THROTTLE);
    for (gpu, labels) in gpus() {
        for reason in gpu.whole.throttle.iter().flat_map(|_| Reason::iter()) {
            let active = gpu
                .whole
                .throttle
                .as_ref()
                .is_some_and(|active| active.contains(&reason));
            throttle.sample(labels, &[("reason", reason.into())], f64::from(u8::from(active)));
        }
    }
    let mut ecc = page.special(metrics::ECC);
    for (gpu, labels) in gpus() {
        let of = [
            ("corrected", gpu.whole.ecc_corrected),
            ("uncorrected", gpu.whole.ecc_uncorrected),
        ];
        for (severity, count) in of.into_iter().filter_map(|(severity, count)| Some((severity, count?))) {
            ecc.sample(labels, &[("severity", severity)], count as f64);
        }
    }
    let mut xid = page.special(metrics::XID);
    for (gpu, labels) in gpus() {
        for (number, count) in gpu.whole.xids.iter().flatten() {
            xid.sample(labels, &[("xid", &number.to_string())], *count as f64);
        }
    }
    let mut lost = page.special(metrics::LOST);
    for (gpu, labels) in gpus() {
        lost.sample(labels, &[], f64::from(u8::from(gpu.lost.is_some())));
    }
    let mut failures = page.special(metrics::FAILURES);
    for (gpu, labels) in gpus() {
        for ((_, error), count) in contents.failures.iter().filter(|((index, _), _)| *index == gpu.index) {
            failures.sample(labels, &[("error", error)], *count as f64);
        }
    }
}
