//! The page as a whole: DCGM's spelling, compression, the end of the text.

use std::io::Read;

use fake_nvml::{Device, Profile};

use crate::exporter::Exporter;
use crate::machine::{Machine, busy_h100, small_mig};

#[test]
fn dcgm_s_names_have_dcgm_s_units_and_labels() {
    let cut = Device {
        uuid: Some("GPU-cut".into()),
        mig: vec![small_mig(3)],
        ..Device::new(Profile::H100)
    };
    let machine = Machine::new(vec![busy_h100(), cut]);
    let page = Exporter::start(&machine, &["--dcgm-names", "--node-name", "node-7"]).settled();
    let labels = "gpu=\"0\",UUID=\"GPU-h100\",pci_bus_id=\"00000000:1B:00.0\",device=\"nvidia4\",\
                  modelName=\"NVIDIA H100 80GB HBM3\",Hostname=\"node-7\",hostname=\"node-7\",\
                  DCGM_FI_DRIVER_VERSION=\"570.86.15\"";
    let expected = [
        ("DCGM_FI_DEV_GPU_UTIL", 87.0),
        ("DCGM_FI_DEV_MEM_COPY_UTIL", 41.0),
        ("DCGM_FI_DEV_FB_USED", 61_440.0),
        ("DCGM_FI_DEV_FB_RESERVED", 1024.0),
        ("DCGM_FI_DEV_FB_FREE", 19_456.0),
        ("DCGM_FI_DEV_POWER_USAGE", 512.25),
        ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 123_456_789.0),
        ("DCGM_FI_DEV_GPU_TEMP", 63.0),
        ("DCGM_FI_DEV_SM_CLOCK", 1755.0),
        ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", 0.91),
        ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", 0.44),
        ("DCGM_FI_PROF_DRAM_ACTIVE", 0.73),
        ("DCGM_FI_DEV_POWER_VIOLATION", 2.5e9),
        ("DCGM_FI_DEV_XID_ERRORS", 0.0),
        ("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", 2.0),
    ];
    for (name, value) in expected {
        let read = page
            .get(&format!("{name}{{{labels}}}"))
            .unwrap_or_else(|| panic!("{name}: {:#?}", page.of(name)));
        assert!((read - value).abs() <= value * 1e-12, "{name}: {read}, not {value}");
    }
    let uuids: Vec<_> = page
        .of("DCGM_FI_DEV_FB_USED")
        .into_iter()
        .filter(|(series, _)| series.contains("UUID=\"GPU-cut\""))
        .collect();
    assert_eq!(uuids.len(), 2, "an instance has its GPU's UUID: {uuids:?}");
    let instance = page.with(
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE",
        "GPU_I_PROFILE=\"1g.10gb\",GPU_I_ID=\"3\"",
    );
    assert_eq!(instance, Some(0.3));
}

#[test]
fn without_the_option_no_name_is_dcgm_s() {
    let machine = Machine::new(vec![busy_h100()]);
    let page = Exporter::start(&machine, &[]).settled();
    assert!(
        page.0.keys().all(|series| series.starts_with("inferscale_gpu_")),
        "{:#?}",
        page.0
    );
}

#[test]
fn the_page_is_compressed_for_who_asks_for_it() {
    let machine = Machine::new(vec![busy_h100()]);
    let exporter = Exporter::start(&machine, &[]);
    exporter.settled();
    let plain = exporter.get("/metrics", "Accept-Encoding: identity\r\n");
    assert!(!plain.head.to_lowercase().contains("content-encoding"));
    assert!(plain.head.contains("text/plain; version=0.0.4"));
    let packed = exporter.get("/metrics", "Accept-Encoding: gzip\r\n");
    assert!(
        packed.head.to_lowercase().contains("content-encoding: gzip"),
        "{}",
        packed.head
    );
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.body.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    let names = |text: &str| {
        text.lines()
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&text), names(&String::from_utf8(plain.body).unwrap()));
    assert!(
        packed.body.len() * 3 < text.len(),
        "{} of {}",
        packed.body.len(),
        text.len()
    );
}

#[test]
fn one_page_serves_everybody_until_the_next_sample() {
    let machine = Machine::new(vec![busy_h100()]);
    let exporter = Exporter::start(&machine, &["--interval", "5m"]);
    let first = exporter.page_when(|page| page.has("inferscale_gpu_power_watts"));
    for _ in 0..20 {
        assert_eq!(exporter.page().0, first.0);
    }
}
