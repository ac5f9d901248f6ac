//! Reading the metrics that this fleet needs: each preset in use, from each source in use. I/O.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;
use inferscale_core::units::{Span, Time};

use super::context::Context;
use crate::config::EnginePreset;
use crate::observe::prometheus::Limits;
use crate::observe::{CollectedBySource, Valid};

/// Asks every source for every preset that some object names, at the same time.
pub async fn collect<'a>(
    context: &Context,
    objects: impl Iterator<Item = &'a Valid>,
    now: Time,
    range: Span,
) -> CollectedBySource {
    let mut wanted: BTreeMap<(String, String), (Arc<EnginePreset>, Limits)> = BTreeMap::new();
    for valid in objects {
        let key = (valid.source.clone(), valid.preset.name.clone());
        let (_, limits) = wanted
            .entry(key)
            .or_insert_with(|| (valid.preset.clone(), Limits::default()));
        for objective in &valid.objectives.targets {
            limits.add(objective.target, objective.limit);
        }
    }
    let asked = wanted.into_iter().filter_map(|(key, (preset, limits))| {
        let source = context.sources.get(&key.0)?;
        Some(async move {
            let collected = source.collect(&preset, &limits, now, range).await;
            context.metrics.collected(source.name(), &collected);
            for failure in &collected.failures {
                let (signal, why): (&str, &str) = (failure.signal.into(), &failure.message);
                tracing::warn!(source = source.name(), signal, why, "a signal cannot be read");
            }
            (key, Arc::new(collected))
        })
    });
    join_all(asked).await.into_iter().collect()
}
