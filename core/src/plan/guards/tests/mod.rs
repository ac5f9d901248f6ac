//! Every guard alone (passes, holds, clamps), then the chain: its order, and who goes before whom.

mod alone;
mod bounds;
mod chain;

use rstest::rstest;

use super::*;
use crate::plan::Freshness;
use crate::plan::tests::build::{self, NOW, TIMING};
use crate::plan::tests::world::GRID;
use crate::snapshot::{Bounds, Mode, Phase, VariantSnapshot};
use crate::units::{Ratio, Span};

/// Everything a guard looks at, set so that all of them pass a decrease by one from six replicas.
struct Case {
    object: ObjectSnapshot,
    evidence: Evidence,
    memory: ObjectMemory,
    forecast: Option<Forecast>,
    current: Vec<u32>,
    held: Option<Vec<u32>>,
    active: Option<usize>,
    capacities: Vec<Option<f64>>,
    user_ordered: bool,
}

impl Case {
    /// `(ordered, ready)` of each variant.
    fn of(variants: &[(u32, u32)]) -> Self {
        let names = ["a", "b", "c"];
        let object = build::object(
            variants
                .iter()
                .zip(names)
                .map(|((ordered, ready), name)| build::variant(name, *ordered, *ready))
                .collect(),
        );
        Self {
            memory: build::memory(&object, &[3.0; 40]),
            evidence: build::evidence(Freshness::Fresh),
            forecast: Some(build::forecast(3.0, 3.0)),
            current: variants.iter().map(|(ordered, _)| *ordered).collect(),
            held: Some(vec![0; variants.len()]),
            active: Some(0),
            capacities: vec![Some(2.0); variants.len()],
            user_ordered: false,
            object,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn context(&self) -> Context<'_> {
        Context {
            now: NOW,
            timing: TIMING,
            object: &self.object,
            evidence: &self.evidence,
            memory: &self.memory,
            forecast: self.forecast.as_ref(),
            current: &self.current,
            held: self.held.as_deref(),
            active: self.active,
            capacities: &self.capacities,
            user_ordered: self.user_ordered,
        }
    }

    /// What one guard leaves of a proposal, and its reason when it changed it.
    fn ask(&self, guard: &str, proposal: &[u32]) -> (Vec<u32>, Option<Reason>) {
        let (_, check) = CHAIN.into_iter().find(|(name, _)| *name == guard).unwrap();
        match check(&self.context(), proposal) {
            Verdict::Pass => (proposal.to_vec(), None),
            Verdict::Instead {
                replicas,
                reason,
                message,
            } => {
                assert!(!message.is_empty() && !message.contains('\n'), "{message:?}");
                let changed = replicas != proposal;
                (replicas, changed.then_some(reason))
            }
        }
    }

    fn run(&self, proposal: &[u32]) -> (Vec<u32>, Vec<&'static str>) {
        let (replicas, limits) = run(&self.context(), proposal.to_vec());
        (replicas, limits.iter().map(|l| l.guard).collect())
    }
}

fn silent(case: &mut Case) {
    let mut rates = vec![3.0; 40];
    rates.extend([0.0; 10]);
    case.memory = build::memory(&case.object, &rates);
}

#[test]
fn the_chain_has_the_order_of_the_design() {
    let names: Vec<_> = names().collect();
    assert_eq!(
        names,
        [
            "paused",
            "conflict",
            "evidence",
            "learning",
            "warm-up",
            "in-flight",
            "drain",
            "hold",
            "bounds",
            "tolerance"
        ]
    );
}

#[rstest]
#[case::down(&[5])]
#[case::up(&[9])]
#[case::same(&[6])]
fn nothing_objects_to_a_small_change_on_good_data(#[case] proposal: &[u32]) {
    assert_eq!(Case::of(&[(6, 6)]).run(proposal), (proposal.to_vec(), vec![]));
}
