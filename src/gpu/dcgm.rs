//! The same figures under DCGM's names, units and labels, so that dashboards made for its exporter work. No I/O.

use super::metrics::{Kind, METRICS};
use super::page::{Contents, Device, devices};
use super::text::{Text, label};

/// Appends them to a page.
pub fn render(page: &mut Text, contents: &Contents, host: &str) {
    let devices: Vec<(Device<'_>, String)> = devices(&contents.node)
        .map(|device| (device, labels(&device, contents, host)))
        .collect();
    for metric in METRICS {
        let Some((name, factor)) = metric.dcgm else {
            continue;
        };
        let mut family = page.family(name, metric.kind, metric.help);
        for (device, labels) in &devices {
            if let Some(value) = device.figure(metric.figure) {
                family.sample(labels, &[], value * factor);
            }
        }
    }
    let mut more = |name, kind, help, read: fn(&Device<'_>) -> Option<u64>| {
        let mut family = page.family(name, kind, help);
        for (device, labels) in devices.iter().filter(|(device, _)| device.mig.is_none()) {
            if let Some(value) = read(device) {
                family.sample(labels, &[], value as f64);
            }
        }
    };
    more(
        "DCGM_FI_DEV_XID_ERRORS",
        Kind::Gauge,
        "The last critical error, 0 before the first",
        |device| device.gpu.whole.last_xid,
    );
    more(
        "DCGM_FI_DEV_ECC_SBE_VOL_TOTAL",
        Kind::Counter,
        "Memory errors that were corrected",
        |device| device.gpu.whole.ecc_corrected,
    );
    more(
        "DCGM_FI_DEV_ECC_DBE_VOL_TOTAL",
        Kind::Counter,
        "Memory errors that were not corrected",
        |device| device.gpu.whole.ecc_uncorrected,
    );
}

fn labels(device: &Device<'_>, contents: &Contents, host: &str) -> String {
    let identity = &device.gpu.identity;
    let index = device.gpu.index.to_string();
    let file = format!("nvidia{}", identity.minor.unwrap_or(device.gpu.index));
    let gpu_instance = device
        .mig
        .and_then(|mig| mig.gpu_instance)
        .map(|number| number.to_string());
    // Only who holds a device alone is named: a figure of the whole device is not any one sharer's.
    let holder = device.uuid().and_then(|uuid| contents.holders.sole(uuid));
    let all = [
        ("gpu", Some(index.as_str())),
        ("UUID", identity.uuid.as_deref()),
        ("pci_bus_id", identity.pci_bus_id.as_deref()),
        ("device", Some(&file)),
        ("modelName", identity.name.as_deref()),
        ("GPU_I_PROFILE", device.mig.and_then(|mig| mig.profile.as_deref())),
        ("GPU_I_ID", gpu_instance.as_deref()),
        // Spelled with a capital until 2026; dashboards of both ages exist.
        ("Hostname", Some(host)),
        ("hostname", Some(host)),
        ("DCGM_FI_DRIVER_VERSION", contents.node.driver_version.as_deref()),
        ("namespace", holder.map(|holder| holder.namespace.as_str())),
        ("pod", holder.map(|holder| holder.pod.as_str())),
        ("container", holder.map(|holder| holder.container.as_str())),
    ];
    let mut text = String::new();
    for (name, value) in all.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        label(&mut text, name, value);
    }
    text
}
