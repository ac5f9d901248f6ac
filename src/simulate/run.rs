//! Runs a scenario: a world for each policy and seed, on several threads. I/O: the traces are read as they are played.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use inferscale_core::simulate::load::PastBucket;
use inferscale_core::simulate::policy::Policy;
use inferscale_core::simulate::score::Score;
use inferscale_core::simulate::world::{self, ObjectOutcome, ObjectSetup, Timeline, WorldSetup};
use inferscale_core::snapshot::ObjectKey;

use super::policies::Named;
use super::progress::Progress;
use super::scenario::{Object, Scenario};
use crate::trace::TraceError;

/// What is run.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The policies, in the order of the report.
    pub policies: Vec<Named>,
    /// The seeds, in the order of the report.
    pub seeds: Vec<u64>,
    /// Threads.
    pub jobs: usize,
    /// Whether to keep what happened over time (of the first seed).
    pub timeline: bool,
}

/// What became of one object under one policy.
#[derive(Debug, Clone)]
pub struct Row {
    /// The policy, as it was asked for.
    pub policy: String,
    /// The point of its grid that was kept; `None` = it has no grid.
    pub point: Option<String>,
    /// The seed.
    pub seed: u64,
    /// The object.
    pub object: ObjectKey,
    /// The figures.
    pub score: Score,
    /// Whether the objective was reached.
    pub met: bool,
    /// What happened over time.
    pub timeline: Option<Timeline>,
}

/// Why a scenario did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A trace is no longer there.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// A policy cannot run on an object.
    #[error("{0}")]
    Policy(String),
}

/// One world.
struct Task<'a> {
    policy: &'a Named,
    point: Named,
    seed: usize,
}

/// What all worlds of one seed share: computed by the first that needs it.
#[derive(Default)]
struct Shared {
    history: OnceLock<Result<Vec<Vec<PastBucket>>, Arc<TraceError>>>,
    by_second: OnceLock<Result<Vec<Arc<[u32]>>, Arc<TraceError>>>,
}

/// Runs everything; rows by policy, seed and object.
///
/// # Errors
/// The first world that could not run.
pub fn run(scenario: &Scenario, wanted: &Wanted, progress: &Progress) -> Result<Vec<Row>, RunError> {
    let mut tasks = Vec::new();
    for policy in &wanted.policies {
        for seed in 0..wanted.seeds.len() {
            let points = policy.points().into_iter();
            tasks.extend(points.map(|point| Task { policy, point, seed }));
        }
    }
    progress.expect(tasks.len());
    let shared: Vec<Shared> = wanted.seeds.iter().map(|_| Shared::default()).collect();
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<Option<Result<Vec<ObjectOutcome>, RunError>>>> =
        Mutex::new(tasks.iter().map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..wanted.jobs.clamp(1, tasks.len().max(1)) {
            scope.spawn(|| {
                while let Some((index, task)) = take(&next, &tasks) {
                    let Some((seed, shared)) = wanted.seeds.get(task.seed).zip(shared.get(task.seed)) else {
                        continue;
                    };
                    let timeline = wanted.timeline && task.seed == 0;
                    let outcome = simulate(scenario, &task.point, *seed, shared, timeline, progress);
                    if outcome.is_err() {
                        // Nobody wants the rest: the error is all that will be shown.
                        next.store(tasks.len(), Ordering::Relaxed);
                    }
                    if let Ok(mut outcomes) = outcomes.lock()
                        && let Some(place) = outcomes.get_mut(index)
                    {
                        *place = Some(outcome);
                    }
                }
            });
        }
    });
    progress.finish();
    let outcomes = outcomes.into_inner().unwrap_or_default();
    let mut done = Vec::with_capacity(tasks.len());
    for (task, outcome) in tasks.iter().zip(outcomes.into_iter().flatten()) {
        done.push((task, outcome?));
    }
    Ok(rows(scenario, wanted, done))
}

fn take<'t, 'a>(next: &AtomicUsize, tasks: &'t [Task<'a>]) -> Option<(usize, &'t Task<'a>)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    tasks.get(index).map(|task| (index, task))
}

/// Keeps one world of each policy and seed.
fn rows(scenario: &Scenario, wanted: &Wanted, done: Vec<(&Task<'_>, Vec<ObjectOutcome>)>) -> Vec<Row> {
    let mut best: Vec<(&Task<'_>, Vec<ObjectOutcome>)> = Vec::new();
    for (task, outcomes) in done {
        match best.last_mut() {
            Some((kept, kept_outcomes)) if kept.policy == task.policy && kept.seed == task.seed => {
                if better(scenario, &outcomes, kept_outcomes) {
                    (*kept, *kept_outcomes) = (task, outcomes);
                }
            }
            _ => best.push((task, outcomes)),
        }
    }
    let mut rows = Vec::new();
    for (task, outcomes) in best {
        for (object, outcome) in scenario.objects.iter().zip(outcomes) {
            rows.push(Row {
                policy: task.policy.to_string(),
                point: (task.point != *task.policy).then(|| task.point.to_string()),
                seed: wanted.seeds.get(task.seed).copied().unwrap_or_default(),
                met: reached(object, &outcome),
                object: outcome.key,
                score: outcome.score,
                timeline: outcome.timeline,
            });
        }
    }
    rows
}

fn reached(object: &Object, outcome: &ObjectOutcome) -> bool {
    outcome.score.attainment >= object.spec.objectives.attainment.get()
}

/// Whether a point of a grid beats another: reaching the objective, then the cost; where neither does, the attainment.
fn better(scenario: &Scenario, new: &[ObjectOutcome], old: &[ObjectOutcome]) -> bool {
    let met = |all: &[ObjectOutcome]| {
        scenario
            .objects
            .iter()
            .zip(all)
            .all(|(object, outcome)| reached(object, outcome))
    };
    let worst = |all: &[ObjectOutcome]| all.iter().map(|o| o.score.attainment).fold(1.0, f64::min);
    // Without prices the accelerator hours decide.
    let cost = |all: &[ObjectOutcome]| {
        let sum = |figure: fn(&Score) -> f64| all.iter().map(|o| figure(&o.score)).sum::<f64>();
        (sum(|score| score.cost_usd), sum(|score| score.gpu_hours))
    };
    match (met(new), met(old)) {
        (true, true) => cost(new) < cost(old),
        (false, false) => worst(new) > worst(old),
        (new, _) => new,
    }
}

/// Runs one world.
fn simulate(
    scenario: &Scenario,
    policy: &Named,
    seed: u64,
    shared: &Shared,
    timeline: bool,
    progress: &Progress,
) -> Result<Vec<ObjectOutcome>, RunError> {
    let world = &scenario.world;
    let history = shared.history(scenario, seed)?;
    let nodes_s = if world.pools.is_empty() {
        0.0
    } else {
        world.node_start.p95_s
    };
    let mut objects = Vec::with_capacity(scenario.objects.len());
    for (index, object) in scenario.objects.iter().enumerate() {
        let arrivals = if policy.knows_the_future() {
            shared
                .by_second(scenario, seed)?
                .get(index)
                .cloned()
                .unwrap_or_default()
        } else {
            Arc::default()
        };
        let lead_s = world.pod_start.p95_s.max(world.pod_start.median_s) + nodes_s;
        let policy: Box<dyn Policy> = policy
            .build(object, world.engine, lead_s, arrivals)
            .map_err(RunError::Policy)?;
        let arrivals = object.load.arrivals(seed)?;
        objects.push(ObjectSetup {
            key: object.key.clone(),
            spec: object.spec.clone(),
            load: if index == 0 {
                progress.watch(arrivals, scenario.duration_s)
            } else {
                arrivals
            },
            history: history.get(index).cloned().unwrap_or_default(),
            holes: object.load.blind(),
            initial: object.initial.clone(),
            policy,
        });
    }
    let setup = WorldSetup {
        seed,
        duration_s: scenario.duration_s,
        warmup_s: scenario.warm_up_s,
        objects,
        pools: world.pools.clone(),
        pod_start: world.pod_start,
        node_start: world.node_start,
        drain_s: world.drain_s,
        start_failure: world.start_failure,
        reclaims_per_hour: world.reclaims_per_hour,
        balancing: world.balancing,
        queue: world.queue,
        scrape: world.scrape,
        engine: world.engine,
        timing: world.timing,
        timeline,
    };
    Ok(world::run(setup))
}

impl Shared {
    fn history(&self, scenario: &Scenario, seed: u64) -> Result<&[Vec<PastBucket>], RunError> {
        let grid_s = scenario.world.timing.grid.as_secs_f64();
        let all = self.history.get_or_init(|| {
            let one = |object: &Object| object.load.history(seed, grid_s);
            scenario
                .objects
                .iter()
                .map(one)
                .collect::<Result<_, _>>()
                .map_err(Arc::new)
        });
        all.as_deref().map_err(|error| RunError::Policy(error.to_string()))
    }

    fn by_second(&self, scenario: &Scenario, seed: u64) -> Result<&[Arc<[u32]>], RunError> {
        let all = self.by_second.get_or_init(|| {
            let one = |object: &Object| {
                let mut counts = vec![0_u32; scenario.duration_s.ceil() as usize];
                for arrival in object.load.arrivals(seed)? {
                    if let Some(count) = counts.get_mut(arrival.at.as_secs() as usize) {
                        *count += 1;
                    }
                }
                Ok(counts.into())
            };
            scenario
                .objects
                .iter()
                .map(one)
                .collect::<Result<_, _>>()
                .map_err(Arc::new)
        });
        all.as_deref().map_err(|error| RunError::Policy(error.to_string()))
    }
}
