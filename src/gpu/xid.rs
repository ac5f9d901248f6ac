//! Critical errors (XIDs): NVML tells of each once, so they are counted here. I/O: NVML.

use std::collections::{BTreeMap, HashMap};

use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::{EventSet, Nvml};

/// Errors of one GPU.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// How often each came, by NVIDIA's number.
    pub counts: BTreeMap<u64, u64>,
    /// The one that came last.
    pub last: Option<u64>,
}

/// Counts by UUID; they outlive a session, as counters must not fall when the library is opened again.
#[derive(Debug, Clone, Default)]
pub struct Counts(HashMap<String, Seen>);

/// More in one look than this are left for the next.
const MOST_A_LOOK: usize = 256;

impl Counts {
    /// What came of a GPU.
    pub fn of(&self, uuid: &str) -> Seen {
        self.0.get(uuid).cloned().unwrap_or_default()
    }

    fn add(&mut self, uuid: &str, xid: u64) {
        let seen = self.0.entry(uuid.to_owned()).or_default();
        *seen.counts.entry(xid).or_default() += 1;
        seen.last = Some(xid);
    }
}

/// Who is told of errors.
#[derive(Debug)]
pub struct Watch<'nvml> {
    /// A set for each GPU that can tell: of a GPU that fell off the bus nothing can be asked, not even its name.
    sets: Vec<(String, EventSet<'nvml>)>,
}

impl<'nvml> Watch<'nvml> {
    /// Asks every device to tell.
    pub fn start(nvml: &'nvml Nvml) -> Self {
        let watch = |index| {
            let device = nvml.device_by_index(index).ok()?;
            let tells = device
                .supported_event_types()
                .ok()?
                .contains(EventTypes::CRITICAL_XID_ERROR);
            let (true, uuid) = (tells, device.uuid().ok()?) else {
                return None;
            };
            let set = nvml.create_event_set().ok()?;
            let set = device.register_events(EventTypes::CRITICAL_XID_ERROR, set).ok()?;
            Some((uuid, set))
        };
        Self {
            sets: (0..nvml.device_count().unwrap_or(0)).filter_map(watch).collect(),
        }
    }

    /// Whether a GPU's errors are told.
    pub fn covers(&self, uuid: &str) -> bool {
        self.sets.iter().any(|(watched, _)| watched == uuid)
    }

    /// Counts what came since the last look, without waiting.
    pub fn collect(&self, counts: &mut Counts) {
        for (uuid, set) in &self.sets {
            // Until the time is over, which it is at once. A GPU that was lost is seen, and reported, where it is read.
            for event in std::iter::from_fn(|| set.wait(0).ok()).take(MOST_A_LOOK) {
                match event.event_data {
                    Some(XidError::Value(number)) => counts.add(uuid, number),
                    Some(XidError::Unknown) => counts.add(uuid, 0),
                    None => {}
                }
            }
        }
    }
}
