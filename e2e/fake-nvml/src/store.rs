//! The state in force, and what this process has seen of it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::state::State;

/// Which version of the file was read: time of the change in seconds and nanoseconds, length, inode.
type Stamp = (i64, i64, u64, u64);

#[derive(Default)]
struct Store {
    stamp: Option<Stamp>,
    state: Arc<State>,
    /// How often `nvmlInit` was called, less the calls of `nvmlShutdown`.
    users: usize,
    /// Devices that this process has seen lost since then.
    lost: BTreeSet<usize>,
}

static STORE: Mutex<Option<Store>> = Mutex::new(None);
static PATH: OnceLock<Option<PathBuf>> = OnceLock::new();

/// The path of the state file.
fn path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("FAKE_NVML_STATE") {
        return Some(path.into());
    }
    beside_library()
}

/// `state.json` in the folder of the library that this code was loaded from: the mapping that holds this function.
fn beside_library() -> Option<PathBuf> {
    let here = beside_library as fn() -> Option<PathBuf> as usize;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let library = maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let (from, to) = (
            usize::from_str_radix(from, 16).ok()?,
            usize::from_str_radix(to, 16).ok()?,
        );
        if !(from..to).contains(&here) {
            return None;
        }
        rest.find('/').and_then(|at| rest.get(at..)).map(PathBuf::from)
    })?;
    Some(library.parent()?.join("state.json"))
}

fn with_store<T>(work: impl FnOnce(&mut Store) -> T) -> T {
    let mut guard = STORE.lock().unwrap_or_else(PoisonError::into_inner);
    work(guard.get_or_insert_with(Store::default))
}

impl Store {
    /// Reads the file when it is another than before.
    fn refresh(&mut self) {
        let Some(path) = PATH.get_or_init(path) else {
            return;
        };
        let stamp = fs::metadata(path)
            .ok()
            .map(|file| (file.mtime(), file.mtime_nsec(), file.size(), file.ino()));
        if stamp == self.stamp {
            return;
        }
        self.stamp = stamp;
        let read = fs::read(path).map_err(|error| error.to_string());
        match read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| error.to_string())) {
            Ok(state) => self.state = Arc::new(state),
            Err(error) => eprintln!("fake-nvml: {}: {error}", path.display()),
        }
    }
}

/// The state now, and whether NVML was initialised.
pub(crate) fn now() -> (Arc<State>, bool) {
    with_store(|store| {
        store.refresh();
        (Arc::clone(&store.state), store.users > 0)
    })
}

/// Counts one more user: what was lost is looked for anew.
pub(crate) fn enter() {
    with_store(|store| {
        store.users += 1;
        store.lost.clear();
    });
}

/// Counts one user less; false when there is none.
pub(crate) fn leave() -> bool {
    with_store(|store| {
        let had = store.users > 0;
        store.users = store.users.saturating_sub(1);
        had
    })
}

/// Whether this process must take a device for lost; `now` = the file says so.
pub(crate) fn is_lost(index: usize, now: bool) -> bool {
    with_store(|store| {
        if now {
            store.lost.insert(index);
        }
        store.lost.contains(&index)
    })
}
