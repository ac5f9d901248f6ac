//! What holds in every world.

use proptest::prelude::*;

use super::build::*;
use crate::simulate::load::Arrival;
use crate::simulate::random::Random;
use crate::simulate::world::*;

#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    rate: f64,
    queue: Queue,
    balancing: Balancing,
    orders: Vec<u32>,
    drain_s: f64,
    start_failure: f64,
    reclaims: f64,
    loss: f64,
    max_nodes: u32,
    warmup_s: f64,
}

fn case() -> impl Strategy<Value = Case> {
    let queues = prop_oneof![Just(Queue::Fifo), Just(Queue::LateLast), Just(Queue::Reject)];
    let balancings = prop_oneof![
        Just(Balancing::Equal),
        Just(Balancing::LeastLoaded),
        Just(Balancing::Weighted)
    ];
    let world = (queues, balancings, 1_u32..5, 0.0..40.0_f64);
    let trouble = (0.0..20.0_f64, 0.0..0.6_f64, 0.0..60.0_f64, 0.0..1.0_f64);
    let orders = prop::collection::vec(0_u32..9, 2..40);
    (any::<u64>(), 0.5..30.0_f64, world, trouble, orders).prop_map(
        |(seed, rate, (queue, balancing, max_nodes, warmup_s), (drain_s, start_failure, reclaims, loss), orders)| {
            Case {
                seed,
                rate,
                queue,
                balancing,
                orders,
                drain_s,
                start_failure,
                reclaims,
                loss,
                max_nodes,
                warmup_s,
            }
        },
    )
}

impl Case {
    fn load(&self) -> Vec<Arrival> {
        let mut random = Random::new(self.seed, 99);
        let mut s = 0.0;
        std::iter::from_fn(|| {
            s += random.exponential() / self.rate;
            let tokens = |mean: f64, random: &mut Random| (mean * random.exponential()) as u32;
            let request = (s, tokens(800.0, &mut random), tokens(150.0, &mut random));
            (s < 100.0).then(|| load(&[request]).remove(0))
        })
        .collect()
    }

    /// The outcome, and what was ordered and existed at each decision.
    fn live(&self) -> (ObjectOutcome, Vec<(Vec<u32>, usize)>) {
        let orders: Vec<(f64, Vec<u32>)> = self
            .orders
            .chunks(2)
            .enumerate()
            .map(|(i, n)| (5.0 * i as f64, n.to_vec()))
            .collect();
        let orders: Vec<(f64, &[u32])> = orders.iter().map(|(at, n)| (*at, n.as_slice())).collect();
        let (policy, seen) = script(&orders, |view| {
            (
                view.variants.iter().map(|v| v.ordered).collect::<Vec<_>>(),
                view.pods.len(),
            )
        });
        let mut object = object(&[1, 0], self.load(), policy);
        object.spec.replicas = crate::snapshot::Bounds { min: 1, max: 7 };
        object.spec.variants[1] = variant("slow", 25.0);
        object.spec.variants[1].replicas.max = 4;
        let outcome = live(WorldSetup {
            seed: self.seed,
            queue: self.queue,
            balancing: self.balancing,
            drain_s: self.drain_s,
            start_failure: self.start_failure,
            reclaims_per_hour: self.reclaims,
            warmup_s: self.warmup_s,
            scrape: ScrapeSetup {
                loss: self.loss,
                ..ScrapeSetup::default()
            },
            pools: vec![PoolSetup {
                name: "a100".into(),
                accelerators_per_node: 8,
                min_nodes: 0,
                max_nodes: self.max_nodes,
            }],
            node_start: Spread {
                median_s: 5.0,
                p95_s: 20.0,
            },
            pod_start: Spread {
                median_s: 5.0,
                p95_s: 15.0,
            },
            timeline: true,
            ..world(object)
        });
        let seen = seen.lock().unwrap().clone();
        (outcome, seen)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nobody_is_lost_and_nothing_leaves_its_bounds(case in case()) {
        let (outcome, seen) = case.live();
        let (totals, score) = (outcome.totals, outcome.score);
        prop_assert!(balanced(totals), "{totals:?}");
        prop_assert_eq!(totals.arrived, case.load().len() as u64);
        prop_assert_eq!(score.requests, score.finished + score.rejected + score.aborted + score.unfinished);
        let evaluated = case.load().iter().filter(|a| a.at.as_secs() >= case.warmup_s).count();
        prop_assert_eq!(score.requests, evaluated as u64);
        prop_assert!(score.attainment <= score.attainment_ttft.min(score.attainment_tpot) + 1e-12);
        prop_assert!(score.attainment_ttft <= 1.0 && score.attainment >= 0.0);
        for (ordered, _) in &seen {
            prop_assert!((1..=7).contains(&ordered.iter().sum::<u32>()) && ordered[1] <= 4, "{ordered:?}");
        }
        // Whatever exists is paid for, and nothing else: between the fewest and the most pods at any decision.
        let hours = (100.0 - case.warmup_s) / 3600.0;
        let most = seen.iter().map(|(_, pods)| *pods).max().unwrap_or(0).max(8) as f64 + 8.0;
        prop_assert!(score.gpu_hours >= 2.0 * hours * 0.99 && score.gpu_hours <= 2.0 * most * hours);
        prop_assert!((score.cost_usd - 3.0 * score.gpu_hours).abs() < 1e-9);
    }

    #[test]
    fn the_same_seed_gives_the_same_world(case in case()) {
        prop_assert_eq!(case.live(), case.live());
    }
}

#[test]
fn another_seed_gives_another_world() {
    let live = |seed| {
        let (policy, _) = script(&[(1.0, &[5])], |_| ());
        live(WorldSetup {
            seed,
            pod_start: Spread {
                median_s: 20.0,
                p95_s: 60.0,
            },
            ..world(object(&[1], even(20.0, 0.0, 100.0), policy))
        })
    };
    assert_ne!(live(1).score, live(2).score);
    assert_eq!(live(1), live(1));
}
