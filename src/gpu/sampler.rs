//! The one loop that reads the GPUs, on a thread of its own: calls into the driver block. I/O: NVML.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nvml_wrapper::Nvml;
use tokio_util::sync::CancellationToken;

use super::holders::Holders;
use super::library::{self, LibraryError};
use super::page::{self, Contents, devices};
use super::processes::Finder;
use super::published::{Published, Sample};
use super::reading::NodeReading;
use super::run::Config;
use super::session::{Closed, Session};
use super::xid::Counts;

/// Looks, and publishes what it saw.
#[derive(Debug)]
pub struct Sampler {
    config: Config,
    published: Arc<Published>,
    stop: CancellationToken,
    finder: Option<Finder>,
    xids: Counts,
    failures: BTreeMap<(u32, &'static str), u64>,
    /// The last look, whatever session it was of.
    last: NodeReading,
    /// Looks to wait for, after which the library is opened again because of a lost GPU: doubled each time in vain.
    patience: u32,
}

/// Looks before the library is opened again for the first time because a GPU is lost.
const FIRST_PATIENCE: u32 = 10;
/// And at most, as opening it is hard work for the driver of a broken GPU.
const MOST_PATIENCE: u32 = 320;
/// The longest pause between attempts to open the library.
const MOST_PAUSE: Duration = Duration::from_secs(30);

/// How a session came to its end.
enum End {
    Stopped,
    Closed(Closed),
    /// GPUs were lost: a new session may find them again.
    LostGpus,
}

impl Sampler {
    /// Nothing is opened yet.
    pub fn new(config: Config, published: Arc<Published>, stop: CancellationToken) -> Self {
        let finder = config
            .host_proc
            .clone()
            .map(|proc| Finder::new(proc, config.pod_logs.clone()));
        Self {
            config,
            published,
            stop,
            finder,
            xids: Counts::default(),
            failures: BTreeMap::new(),
            last: NodeReading::default(),
            patience: FIRST_PATIENCE,
        }
    }

    /// Samples until it is stopped.
    ///
    /// # Errors
    /// When there is no library at the start, and nobody wants to wait for it.
    pub fn run(mut self) -> Result<(), LibraryError> {
        let mut pause = self.config.interval;
        let mut may_fail = self.config.wait_for_driver;
        while !self.stop.is_cancelled() {
            self.published.opens();
            let opened = library::open(self.config.library.as_deref());
            if opened.is_err() {
                self.published.looks_at(None);
            }
            match opened {
                Ok(nvml) => {
                    self.published.opened();
                    let before = self.last.driver_version.clone();
                    match self.session(&nvml) {
                        End::Stopped => return Ok(()),
                        End::LostGpus => tracing::info!("opening NVML again: a lost GPU may be back"),
                        End::Closed(Closed(why)) => {
                            tracing::warn!(%why, "NVML is opened again");
                            self.published.closed(why.to_owned());
                        }
                    }
                    if before.is_some() && before != self.last.driver_version {
                        tracing::info!(driver = ?self.last.driver_version, "another driver");
                    }
                    may_fail = true;
                    pause = self.config.interval;
                    self.sleep(pause);
                }
                Err(error) if !may_fail => return Err(error),
                Err(error) => {
                    let why = error.to_string();
                    if pause == self.config.interval {
                        tracing::warn!(error = %why, "waiting for NVML");
                    }
                    self.published.closed(why);
                    self.sleep(pause);
                    pause = (pause * 2).min(MOST_PAUSE.max(self.config.interval));
                }
            }
        }
        Ok(())
    }

    fn session(&mut self, nvml: &Nvml) -> End {
        let mut session = Session::new(nvml, self.finder.is_some(), &self.last, Arc::clone(&self.published));
        let (mut lost_looks, mut next) = (0, Instant::now());
        loop {
            if self.stop.is_cancelled() {
                return End::Stopped;
            }
            let begun = Instant::now();
            let reading = session.look(&mut self.xids);
            self.published.looks_at(None);
            let reading = match reading {
                Ok(reading) => reading,
                Err(closed) => return End::Closed(closed),
            };
            if reading.gpus.iter().any(|gpu| gpu.lost.is_some()) {
                lost_looks += 1;
            } else {
                (lost_looks, self.patience) = (0, FIRST_PATIENCE);
            }
            self.publish(reading, begun);
            if lost_looks >= self.patience {
                self.patience = (self.patience * 2).min(MOST_PATIENCE);
                return End::LostGpus;
            }
            // A look that took too long is followed by a pause, not by those that were missed.
            next = (next + self.config.interval).max(Instant::now());
            self.sleep(next.saturating_duration_since(Instant::now()));
        }
    }

    fn publish(&mut self, reading: NodeReading, begun: Instant) {
        for gpu in &reading.gpus {
            for (why, count) in &gpu.failures {
                *self.failures.entry((gpu.index, why)).or_default() += count;
            }
        }
        let holders = Holders::join(&self.published.pods(), &reading);
        let mut contents = Contents {
            holders,
            pod_memory: BTreeMap::new(),
            failures: self.failures.clone(),
            dcgm_host: self.config.dcgm_host.clone(),
            node: reading,
        };
        if let Some(finder) = &mut self.finder {
            for device in devices(&contents.node) {
                if let (Some(uuid), Some(processes)) = (device.uuid(), &device.common().processes) {
                    contents
                        .pod_memory
                        .insert(uuid.to_owned(), finder.memory_by_pod(processes));
                }
            }
        }
        let text = page::render(&contents);
        let gpus = &contents.node.gpus;
        let troubles = gpus.iter().filter_map(|gpu| {
            let uuid = gpu.identity.uuid.as_deref().unwrap_or("UUID unknown");
            gpu.lost.map(|why| {
                let remedy = if why == "lost" {
                    "it fell off the bus: reset or replace it"
                } else {
                    "it needs a reset"
                };
                format!("GPU {} ({uuid}): {remedy}", gpu.index)
            })
        });
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs_f64();
        self.published.sampled(Sample {
            text,
            at: Instant::now(),
            time,
            took: begun.elapsed(),
            troubles: troubles.collect(),
            devices: (gpus.len(), gpus.iter().map(|gpu| gpu.instances.len()).sum()),
        });
        self.last = contents.node;
    }

    /// In pieces, so that the end is soon noticed.
    fn sleep(&self, time: Duration) {
        const PIECE: Duration = Duration::from_millis(200);
        let end = Instant::now() + time;
        while !self.stop.is_cancelled() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(PIECE));
        }
    }
}
