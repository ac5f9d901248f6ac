//! Views for the tests of the policies.

use std::sync::Arc;

use super::{Context, LatencyCounts, Live, PodScrape, PodState, RouterScrape, Scrape, Scrapes, VariantState, View};
use crate::performance::{EngineLimits, Fit, Profile, Source, StepLaw, Workload};
use crate::simulate::Moment;
use crate::snapshot::{
    Bounds, Mode, ObjectKey, ObjectSnapshot, Objective, Objectives, Phase, Target, TargetState, Timing, VariantSnapshot,
};
use crate::units::{Ratio, Span};

/// 10 ms + .1 us a cached token + .06 ms a prompt token; 400,000 tokens of cache.
pub fn profile() -> Profile {
    Profile {
        model: "test".into(),
        accelerator: "test".into(),
        precision: "bf16".into(),
        step: StepLaw {
            floor_ms: 0.0,
            c_ms: 10.0,
            d_ms_per_sequence: 0.0,
            e_ms_per_kv_token: 1e-4,
            g_ms_per_prefill_token: 0.06,
            h_ms_per_prefill_token_context: 0.0,
        },
        kv_capacity_tokens: 400_000,
        source: Source {
            dataset: "none".into(),
            licence: "none".into(),
            fit: Fit {
                median_error_percent: 0.0,
                worst_error_percent: 0.0,
            },
        },
    }
}

/// Targets of 2 s and 50 ms for 99 %, 1 to 50 replicas of each variant.
pub fn object(variants: &[&str]) -> ObjectSnapshot {
    let target = |target, ms| Objective {
        target,
        limit: Span::from_millis(ms),
    };
    let variant = |name: &&str| VariantSnapshot {
        name: (*name).to_owned(),
        replicas: Bounds { min: 0, max: 50 },
        target: TargetState::Found { replicas: 1 },
        accelerators: 1,
        pool: None,
        accelerator_price: None,
        profile: Some(Arc::new(profile())),
        max_sequences: None,
        pods: Vec::new(),
    };
    ObjectSnapshot {
        generation: 1,
        mode: Mode::Auto,
        objectives: Objectives {
            attainment: Ratio::clamped(0.99),
            window: Span::from_secs(300),
            targets: vec![
                target(Target::TimeToFirstToken, 2000),
                target(Target::TimePerOutputToken, 50),
            ],
        },
        replicas: Bounds { min: 1, max: 50 },
        reported_max: None,
        replicas_override: None,
        source_failure: None,
        conflicts: Vec::new(),
        variants: variants.iter().map(variant).collect(),
    }
}

pub fn context(object: &ObjectSnapshot) -> Context<'_> {
    Context {
        object,
        variant: 0,
        engine: EngineLimits::default(),
        workload: Workload {
            prompt_tokens: 1000.0,
            output_tokens: 200.0,
        },
        lead_s: 120.0,
        arrivals: Arc::from([10; 60]),
    }
}

/// What a replica reports that has served `completed` requests of 1000 and 200 tokens.
pub fn scrape(id: u64, running: u32, waiting: u32, kv_use: f64, completed: u64) -> PodScrape {
    PodScrape {
        id,
        variant: 0,
        draining: false,
        running,
        waiting,
        kv_use,
        kv_capacity: 400_000,
        busy_share: if running > 0 { 1.0 } else { 0.0 },
        mean_in_flight: f64::from(running + waiting),
        arrived: completed,
        completed,
        prompt_tokens: 1000 * completed,
        generated_tokens: 200 * completed,
        ttft: LatencyCounts::default(),
        tpot: LatencyCounts::default(),
    }
}

/// One object at one instant.
pub struct Scene {
    pub now_s: f64,
    pub key: ObjectKey,
    pub object: ObjectSnapshot,
    pub pods: Vec<PodState>,
    pub scrapes: Scrapes,
    pub live: Live,
    variants: Vec<VariantState>,
}

impl Scene {
    /// `ready` and `starting` replicas of the only variant, numbered from 0, at `now_s`.
    pub fn new(now_s: f64, ready: u32, starting: u32) -> Self {
        let pod = |id: u32| {
            let ready = id < ready;
            PodState {
                id: u64::from(id),
                variant: 0,
                phase: if ready { Phase::Ready } else { Phase::Starting },
                created: Moment::START,
                ready_since: ready.then_some(Moment::START),
            }
        };
        Self {
            now_s,
            key: ObjectKey {
                namespace: "test".into(),
                name: "test".into(),
            },
            object: object(&["a"]),
            pods: (0..ready + starting).map(pod).collect(),
            scrapes: Scrapes::default(),
            live: Live::default(),
            variants: vec![VariantState {
                ordered: ready + starting,
                ready,
                starting,
                draining: 0,
            }],
        }
    }

    /// A round of scrapes.
    pub fn round(mut self, at_s: f64, router: Option<&RouterScrape>, pods: &[PodScrape]) -> Self {
        self.scrapes.push(Scrape {
            at: Moment::from_secs(at_s),
            router: router.copied(),
            pods: pods.to_vec(),
        });
        self
    }

    pub fn view(&self) -> View<'_> {
        View {
            now: Moment::from_secs(self.now_s),
            key: &self.key,
            object: &self.object,
            timing: Timing {
                grid: Span::from_secs(15),
            },
            variants: &self.variants,
            pods: &self.pods,
            scrapes: &self.scrapes,
            live: &self.live,
        }
    }
}
