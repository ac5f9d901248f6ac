//! From a plan to the writes it asks for. Pure.

use inferscale_core::plan::ObjectPlan;
use inferscale_core::snapshot::ObjectKey;

use crate::observe::{ObservedObject, ObservedTarget};
use crate::runtime::leader::Warrant;

/// One scale to be written, with what it presumes.
#[derive(Debug, Clone, PartialEq)]
pub struct ScaleWrite {
    /// The variant's name.
    pub variant: String,
    /// Where it goes; its resource version is a precondition.
    pub target: ObservedTarget,
    /// Replicas that were ordered when it was decided.
    pub from: u32,
    /// Replicas to order.
    pub to: u32,
}

/// The writes of one object, increases first: a mix that changes keeps its strength meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The object.
    pub object: ObjectKey,
    /// The decision that asks for it.
    pub decision: String,
    /// In which epoch and when it was decided, and until when it may be written.
    pub warrant: Warrant,
    /// What to write; empty when what runs is what is wanted, or when nothing may be written.
    pub writes: Vec<ScaleWrite>,
}

/// What `plan` asks to be written for `object`.
pub fn prepare(object: &ObjectKey, plan: &ObjectPlan, observed: &ObservedObject, warrant: Warrant) -> Prepared {
    let mut writes: Vec<ScaleWrite> = plan
        .variants
        .iter()
        .zip(&observed.targets)
        .filter(|_| plan.writes)
        .filter_map(|(variant, target)| {
            let (from, to) = (variant.observed?, variant.desired);
            let target = target.clone()?;
            (from != to).then(|| ScaleWrite {
                variant: variant.name.clone(),
                target,
                from,
                to,
            })
        })
        .collect();
    writes.sort_by_key(|write| write.to < write.from);
    Prepared {
        object: object.clone(),
        decision: plan.decision.id.clone(),
        warrant,
        writes,
    }
}

#[cfg(test)]
mod tests {
    use inferscale_core::plan::Reason;
    use inferscale_core::snapshot::Phase;

    use super::*;
    use crate::testing::samples;

    fn three(desired: &[u32], change: impl Fn(&mut ObjectPlan, &mut ObservedObject)) -> Vec<(String, u32, u32)> {
        let mut object = samples::object();
        object.variants = ["a", "b", "c"]
            .map(|name| samples::variant(name, 2, &[Phase::Ready; 2]))
            .into();
        let mut beside = samples::beside(&object);
        let mut plan = samples::wants(samples::plan(&object), desired, Reason::DemandUp);
        change(&mut plan, &mut beside);
        let warrant = samples::warrant();
        let prepared = prepare(&samples::key(), &plan, &beside, warrant);
        assert_eq!(
            (prepared.object, prepared.decision.as_str()),
            (samples::key(), "0badcafe")
        );
        assert_eq!(prepared.warrant, warrant);
        prepared.writes.into_iter().map(|w| (w.variant, w.from, w.to)).collect()
    }

    fn writes(of: &[(&str, u32, u32)]) -> Vec<(String, u32, u32)> {
        of.iter()
            .map(|(name, from, to)| ((*name).to_owned(), *from, *to))
            .collect()
    }

    #[test]
    fn what_differs_is_written_increases_first() {
        assert_eq!(
            three(&[1, 4, 0], |_, _| {}),
            writes(&[("b", 2, 4), ("a", 2, 1), ("c", 2, 0)])
        );
    }

    #[test]
    fn what_is_as_it_should_be_is_not_written() {
        assert!(three(&[2, 2, 2], |_, _| {}).is_empty());
    }

    #[test]
    fn nothing_is_written_where_nothing_may_be() {
        assert!(three(&[1, 4, 0], |plan, _| plan.writes = false).is_empty());
    }

    #[test]
    fn what_was_not_seen_is_not_written() {
        let left = three(&[1, 4, 0], |plan, beside| {
            plan.variants[0].observed = None;
            beside.targets[2] = None;
        });
        assert_eq!(left, writes(&[("b", 2, 4)]));
    }

    #[test]
    fn a_write_carries_the_version_it_presumes() {
        let object = samples::object();
        let plan = samples::wants(samples::plan(&object), &[5], Reason::DemandUp);
        let prepared = prepare(&samples::key(), &plan, &samples::beside(&object), samples::warrant());
        assert_eq!(prepared.writes[0].target, samples::target("chat-a100-bf16", "17"));
    }
}
