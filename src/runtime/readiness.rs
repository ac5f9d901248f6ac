//! Whether the operator can do its work: named parts, each there or missing, so that `/readyz` says what is missing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// All parts; clones share them.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, Option<&'static str>>>>);

/// One part, to be held by whoever knows of it.
#[derive(Debug, Clone)]
pub struct Part {
    name: &'static str,
    readiness: Readiness,
}

impl Readiness {
    /// A new part, missing until it says otherwise; `waiting_for` tells people why.
    pub fn part(&self, name: &'static str, waiting_for: &'static str) -> Part {
        let part = Part {
            name,
            readiness: self.clone(),
        };
        part.missing(waiting_for);
        part
    }

    /// Whether every part is there. Without any part nothing has started, which is not ready.
    pub fn is_ready(&self) -> bool {
        self.with(|parts| !parts.is_empty() && parts.values().all(Option::is_none))
    }

    /// One line a part, for people.
    pub fn report(&self) -> String {
        self.with(|parts| {
            if parts.is_empty() {
                return "missing: nothing has started yet\n".to_owned();
            }
            parts
                .iter()
                .map(|(name, missing)| match missing {
                    None => format!("ok: {name}\n"),
                    Some(why) => format!("missing: {name} ({why})\n"),
                })
                .collect()
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<&'static str, Option<&'static str>>) -> T) -> T {
        // A panic elsewhere leaves a map that is still whole.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Part {
    /// It is there.
    pub fn ready(&self) {
        self.readiness.with(|parts| parts.insert(self.name, None));
    }

    /// It is missing (again); the text tells people why and holds no data.
    pub fn missing(&self, why: &'static str) {
        self.readiness.with(|parts| parts.insert(self.name, Some(why)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_only_when_every_part_is() {
        let readiness = Readiness::default();
        assert!(!readiness.is_ready(), "nothing has started");
        let (stores, metrics) = (
            readiness.part("stores", "listing"),
            readiness.part("metrics", "no answer yet"),
        );
        stores.ready();
        assert!(!readiness.is_ready());
        assert_eq!(readiness.report(), "missing: metrics (no answer yet)\nok: stores\n");
        metrics.ready();
        assert!(readiness.is_ready());
        stores.missing("the watch ended");
        assert!(!readiness.is_ready());
    }
}
