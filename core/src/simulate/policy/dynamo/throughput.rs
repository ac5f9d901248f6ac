//! `dynamo-throughput:1`: every 180 s the replicas for the requests that are expected in the next 180 s.
//!
//! Source: `core/throughput_scaling.py` (`_throughput_agg`): `ceil(rate / engine)`, where the engine's rate is the best
//! inside the SLA at the expected mean tokens; requests and tokens are each predicted from what the last intervals saw. At
//! most 8 replicas change at once (ai-dynamo/dynamo#14296), and nothing while the deployment is not ready. The parameter
//! multiplies both targets of the object: below 1 is slack.

use super::Planned;
use super::kalman::Kalman;
use crate::performance::Workload;
use crate::simulate::policy::{Order, Policy, View, signal};

/// `throughput_adjustment_interval` in seconds.
pub const INTERVAL_S: f64 = 180.0;
const MOST_AT_ONCE: u32 = 8;

/// The planner.
pub struct Throughput {
    plan: Planned,
    predicted: Option<[Kalman; 3]>,
}

impl Throughput {
    /// One that has not seen traffic yet.
    pub fn new(plan: Planned) -> Self {
        Self { plan, predicted: None }
    }

    /// Takes what the last interval saw and gives the replicas for the next; `None` = nothing was seen yet.
    pub fn replicas(&mut self, view: &View<'_>) -> Option<u32> {
        // A window without traffic counts as no requests, after the first traffic.
        let requests = signal::arrival_rate(view, INTERVAL_S).unwrap_or(0.0) * INTERVAL_S;
        let work = signal::tokens(view, self.plan.variant, INTERVAL_S);
        self.next(requests, work)
    }

    fn next(&mut self, requests: f64, work: Option<Workload>) -> Option<u32> {
        let seen = [
            Some(requests),
            work.map(|w| w.prompt_tokens),
            work.map(|w| w.output_tokens),
        ];
        if let Some(filters) = &mut self.predicted {
            for (filter, value) in filters.iter_mut().zip(seen) {
                if let Some(value) = value {
                    filter.update(value);
                }
            }
        } else {
            let work = work.filter(|_| requests > 0.0)?;
            self.predicted = Some([requests, work.prompt_tokens, work.output_tokens].map(Kalman::new));
        }
        let [requests, prompt_tokens, output_tokens] = self.predicted.as_mut()?.each_mut().map(Kalman::predict);
        let work = Workload {
            prompt_tokens,
            output_tokens,
        };
        let best = self.plan.engine.best(work, self.plan.ttft_ms, self.plan.itl_ms);
        let needed = (requests / INTERVAL_S / best.requests_per_second).ceil();
        // `min_endpoint`
        Some((needed as u32).max(1))
    }
}

impl Policy for Throughput {
    fn period_s(&self) -> f64 {
        INTERVAL_S
    }

    fn decide(&mut self, view: &View<'_>) -> Order {
        let variant = view.variants.get(self.plan.variant).copied().unwrap_or_default();
        let replicas = self.replicas(view);
        let order = match replicas {
            Some(n) if variant.starting == 0 => towards(variant.ordered, n),
            _ => variant.ordered,
        };
        signal::only(view, self.plan.variant, order)
    }
}

/// At most so many at once.
pub fn towards(current: u32, wanted: u32) -> u32 {
    wanted.clamp(current.saturating_sub(MOST_AT_ONCE), current + MOST_AT_ONCE)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::performance::EngineLimits;
    use crate::simulate::policy::dynamo::engine::EngineModel;
    use crate::simulate::policy::fixture;

    fn plan(itl_ms: f64) -> Planned {
        let profile = Arc::new(fixture::profile());
        Planned {
            variant: 0,
            engine: EngineModel::new(&profile, EngineLimits::default()),
            ttft_ms: 2000.0,
            itl_ms,
        }
    }

    const WORK: Workload = Workload {
        prompt_tokens: 1000.0,
        output_tokens: 200.0,
    };

    #[test]
    fn divides_the_expected_rate_by_what_an_engine_does() {
        let best = plan(50.0).engine.best(WORK, 2000.0, 50.0).requests_per_second;
        let mut planner = Throughput::new(plan(50.0));
        // A first interval at 9.5 engines: it is expected to stay.
        assert_eq!(planner.next(9.5 * best * INTERVAL_S, Some(WORK)), Some(10));
        // The filter trusts the second value nearly fully and sees a slope of about half of the rise.
        let next = planner.next(12.5 * best * INTERVAL_S, Some(WORK)).unwrap();
        assert_eq!(next, 14, "9.5 + 3 * 2001/2011 + 3 * 1000/2011 = 13.98");
    }

    #[test]
    fn waits_for_the_first_traffic_and_keeps_one_after_it() {
        let mut planner = Throughput::new(plan(50.0));
        assert_eq!(planner.next(0.0, None), None);
        assert_eq!(planner.next(10.0, Some(WORK)), Some(1));
        assert_eq!(planner.next(0.0, None), Some(1));
    }

    #[test]
    fn a_tighter_target_needs_more() {
        let replicas = |itl_ms| {
            Throughput::new(plan(itl_ms))
                .next(35.0 * INTERVAL_S, Some(WORK))
                .unwrap()
        };
        assert!(replicas(25.0) > replicas(50.0), "{} {}", replicas(25.0), replicas(50.0));
    }

    #[test]
    fn changes_eight_at_once() {
        assert_eq!((towards(4, 30), towards(30, 4), towards(4, 6)), (12, 22, 6));
    }
}
