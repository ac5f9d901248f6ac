//! How long the brain needs for a fleet of 10,000 objects: the fold of one bucket each, and the plan.
// A measurement may fail loudly.
#![allow(clippy::expect_used, missing_docs)]

mod fleet;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use inferscale_core::plan::plan;

const OBJECTS: usize = 10_000;
/// Enough grids for every object to know its token mix, so that every plan sizes by the profile.
const TICKS: i64 = 10;

fn bench(c: &mut Criterion) {
    let memory = fleet::memory(OBJECTS, TICKS);
    let now = fleet::snapshot(OBJECTS, TICKS);
    let sized = plan(&now, &memory);
    assert!(
        sized
            .objects
            .values()
            .all(|o| o.variants.iter().all(|v| v.capacity.is_some()))
    );

    let mut group = c.benchmark_group("10000 objects x 2 variants x 2 pods");
    group.sample_size(10);
    group.bench_function("plan", |b| b.iter(|| plan(&now, &memory)));
    let next = fleet::snapshot(OBJECTS, TICKS + 1);
    group.bench_function("absorb one bucket each", |b| {
        b.iter_batched(
            || memory.clone(),
            |mut memory| {
                memory.absorb(&next);
                memory
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
