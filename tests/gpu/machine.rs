//! A machine that is made up: a copy of the fake library, and the state beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use fake_nvml::{Device, Mig, Profile, State};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Removed at its end.
pub struct Machine {
    folder: PathBuf,
    pub state: State,
}

impl Machine {
    pub fn new(devices: Vec<Device>) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("inferscale-gpu-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let machine = Self {
            folder,
            state: State {
                devices,
                ..State::default()
            },
        };
        machine.write();
        machine.install();
        machine
    }

    /// Puts the library in place, as a new file.
    pub fn install(&self) {
        self.place(&fs::read(fake()).unwrap());
    }

    /// Puts a library in place that lacks a function.
    pub fn install_without(&self, symbol: &str) {
        let mut bytes = fs::read(fake()).unwrap();
        let wanted = [&[0], symbol.as_bytes(), &[0]].concat();
        let places: Vec<usize> = (0..bytes.len() - wanted.len())
            .filter(|at| bytes[*at..].starts_with(&wanted))
            .collect();
        assert!(!places.is_empty(), "the fake has no {symbol}");
        for at in places {
            // The loader finds symbols by their names: with another name it is not there.
            bytes[at + 1] = b'X';
        }
        self.place(&bytes);
    }

    pub fn uninstall(&self) {
        fs::remove_file(self.library()).unwrap();
    }

    fn place(&self, bytes: &[u8]) {
        let new = self.folder.join("new.so");
        fs::write(&new, bytes).unwrap();
        fs::rename(new, self.library()).unwrap();
    }

    pub fn library(&self) -> PathBuf {
        self.folder.join("libnvidia-ml.so.1")
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Changes the state; whoever reads it sees it at once.
    pub fn change(&mut self, change: impl FnOnce(&mut State)) {
        change(&mut self.state);
        self.write();
    }

    fn write(&self) {
        let new = self.folder.join("new.json");
        fs::write(&new, serde_json::to_vec(&self.state).unwrap()).unwrap();
        fs::rename(new, self.folder.join("state.json")).unwrap();
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The library that cargo built for this test: it lies beside the test's own program.
fn fake() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let library = program.parent().unwrap().join("libfake_nvml.so");
    assert!(
        library.is_file(),
        "{} is missing: cargo build -p fake-nvml",
        library.display()
    );
    library
}

/// A busy H100 with a figure of its own for each reading.
pub fn busy_h100() -> Device {
    Device {
        uuid: Some("GPU-h100".into()),
        minor: Some(4),
        gpu_percent: 87,
        memory_percent: 41,
        encoder_percent: 3,
        decoder_percent: 5,
        memory_used: 60 << 30,
        memory_reserved: 1 << 30,
        power: 512_250,
        energy: 123_456_789,
        temperature: 63,
        memory_temperature: 78,
        sm_clock: 1755,
        throttle_reasons: 0x4,
        power_violation: 2_500_000_000,
        thermal_violation: 125_000_000,
        pcie_transmit: 12_000,
        pcie_receive: 34_000,
        pcie_replays: 7,
        ecc_corrected: 11,
        ecc_uncorrected: 2,
        gpm: [(1, 91.0), (2, 82.5), (3, 37.5), (5, 44.0), (10, 73.0)].into(),
        ..Device::new(Profile::H100)
    }
}

/// An instance with one slice.
pub fn small_mig(gpu_instance: u32) -> Mig {
    Mig {
        profile: "1g.10gb".into(),
        gpu_instance,
        compute_instance: 0,
        uuid: Some(format!("MIG-{gpu_instance}")),
        memory_used: u64::from(gpu_instance) << 30,
        gpm: [(1, 10.0 * f64::from(gpu_instance)), (2, 50.0)].into(),
        processes: vec![],
    }
}
