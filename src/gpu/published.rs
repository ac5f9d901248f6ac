//! What whoever asks is given: the last page while it is true, and how the exporter is. No I/O.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::page::{self, Own};
use super::pod_resources::messages::ListResponse;

/// One sample, as it is sent.
#[derive(Debug)]
pub struct Sample {
    /// The devices' metrics.
    pub text: String,
    /// When it was taken.
    pub at: Instant,
    /// The same in seconds since 1970.
    pub time: f64,
    /// How long it took.
    pub took: Duration,
    /// What is wrong with single GPUs, for people.
    pub troubles: Vec<String>,
    /// How many GPUs and instances it is of.
    pub devices: (usize, usize),
}

/// No call into NVML is under way.
const NOTHING: i64 = -1;
/// NVML is being opened.
const OPENING: i64 = -2;

/// What the kubelet said last.
#[derive(Debug, Default)]
struct Pods {
    answer: Option<(Arc<ListResponse>, Instant)>,
    /// Why the last question was not answered.
    error: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    sample: Option<Arc<Sample>>,
    /// Why there is no library now.
    closed: Option<String>,
    opened: u64,
    /// None when the kubelet is not asked.
    pods: Option<Pods>,
}

/// Shared by the sampling thread, the task that asks the kubelet, and the server.
#[derive(Debug)]
pub struct Published {
    state: Mutex<State>,
    /// The GPU that is being read, or another of the two.
    reading: AtomicI64,
    /// Since when.
    since: Mutex<Instant>,
    /// A sample that is older is not shown.
    most_age: Duration,
    /// An answer of the kubelet that is older is not used.
    most_pods_age: Duration,
}

impl Published {
    /// Nothing yet.
    pub fn new(interval: Duration, asks_kubelet: bool) -> Self {
        Self {
            state: Mutex::new(State {
                pods: asks_kubelet.then(Pods::default),
                ..State::default()
            }),
            reading: AtomicI64::new(NOTHING),
            since: Mutex::new(Instant::now()),
            // Five looks may fail to come before their figures are no longer of now.
            most_age: (interval * 5).max(Duration::from_secs(2)),
            most_pods_age: (interval * 60).max(Duration::from_secs(10)),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // A panic elsewhere leaves a state that is still whole.
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// NVML was opened.
    pub fn opened(&self) {
        self.with(|state| {
            state.opened += 1;
            state.closed = None;
        });
    }

    /// NVML is of no use, and why: what was known of the GPUs is no longer true.
    pub fn closed(&self, why: String) {
        self.with(|state| {
            state.closed = Some(why);
            state.sample = None;
        });
    }

    /// NVML is being opened, which may hang, too.
    pub fn opens(&self) {
        self.begins(OPENING);
    }

    /// Begins a look, or ends it (none).
    pub fn looks_at(&self, gpu: Option<u32>) {
        self.begins(gpu.map_or(NOTHING, i64::from));
    }

    fn begins(&self, what: i64) {
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.reading.store(what, Ordering::Relaxed);
    }

    /// A new sample.
    pub fn sampled(&self, sample: Sample) {
        self.with(|state| state.sample = Some(Arc::new(sample)));
    }

    /// The kubelet answered, or not.
    pub fn heard(&self, answer: Result<ListResponse, String>) {
        self.with(|state| {
            let pods = state.pods.get_or_insert_default();
            match answer {
                Ok(answer) => {
                    pods.answer = Some((Arc::new(answer), Instant::now()));
                    pods.error = None;
                }
                Err(error) => pods.error = Some(error),
            }
        });
    }

    /// Who holds what, if that is still known.
    pub fn pods(&self) -> Arc<ListResponse> {
        self.with(|state| {
            let answer = state.pods.as_ref().and_then(|pods| pods.answer.as_ref());
            let fresh = answer.filter(|(_, at)| at.elapsed() <= self.most_pods_age);
            fresh.map(|(answer, _)| Arc::clone(answer)).unwrap_or_default()
        })
    }

    /// The sample, while it is true.
    pub fn sample(&self) -> Option<Arc<Sample>> {
        let sample = self.with(|state| state.sample.clone())?;
        (sample.at.elapsed() <= self.most_age).then_some(sample)
    }

    /// The exporter's own metrics.
    pub fn own(&self) -> String {
        let fresh = self.sample().is_some();
        page::render_own(self.with(|state| {
            let sample = state.sample.as_ref();
            Own {
                library_up: fresh,
                opened: state.opened,
                sampled: sample.map(|sample| sample.time),
                took: sample.map(|sample| sample.took.as_secs_f64()),
                pods_up: state
                    .pods
                    .as_ref()
                    .map(|pods| pods.error.is_none() && pods.answer.is_some()),
            }
        }))
    }

    /// What is wrong, for people; nothing when all is well.
    pub fn troubles(&self) -> Vec<String> {
        let mut troubles = Vec::new();
        let reading = self.reading.load(Ordering::Relaxed);
        let busy = self.since.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        self.with(|state| {
            match (&state.closed, &state.sample) {
                (Some(why), _) => troubles.push(why.clone()),
                (None, _) if reading != NOTHING && busy > self.most_age => {
                    let asked = if reading == OPENING {
                        "while it was opened".to_owned()
                    } else {
                        format!("asked about GPU {reading}")
                    };
                    let seconds = busy.as_secs();
                    troubles.push(format!(
                        "NVML has not answered for {seconds} s, {asked}: the driver or the GPU hangs"
                    ));
                }
                (None, None) => troubles.push("no sample has been taken yet".to_owned()),
                (None, Some(sample)) if sample.at.elapsed() > self.most_age => {
                    troubles.push(format!("the last sample is {} s old", sample.at.elapsed().as_secs()));
                }
                (None, Some(sample)) => troubles.extend(sample.troubles.iter().cloned()),
            }
            if let Some(error) = state.pods.as_ref().and_then(|pods| pods.error.as_ref()) {
                troubles.push(error.clone());
            }
        });
        troubles
    }

    /// How many GPUs and instances the last sample is of.
    pub fn devices(&self) -> (usize, usize) {
        self.with(|state| state.sample.as_ref().map_or((0, 0), |sample| sample.devices))
    }

    /// Whether the sampling thread works: it does while it waits for a driver, it does not in a call that hangs.
    pub fn is_alive(&self) -> bool {
        let busy = self.since.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        self.reading.load(Ordering::Relaxed) == NOTHING || busy <= self.most_age * 6
    }
}
