//! How many replicas a metric asks for, before any rate or window.
//!
//! Source: Kubernetes 1.37, `pkg/controller/podautoscaler/replica_calculator.go`: `calcPlainMetricReplicas` (a Pods
//! metric) and `GetExternalPerPodMetricReplicas` (an External metric with an `AverageValue`).

/// `--horizontal-pod-autoscaler-tolerance`: a ratio of metric and target this close to 1 changes nothing.
pub const TOLERANCE: f64 = 0.1;

/// One pod as the controller groups it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pod {
    /// It runs and its metric is there.
    Sample(f64),
    /// It runs, but there is no metric: it loads its weights, or the scrape was lost.
    Missing,
    /// It has no node yet.
    Pending,
}

/// A Pods metric with a target for its average. `None` = not one pod has the metric, which changes nothing.
///
/// A missing pod counts as 0 when the others ask for more, and as exactly on target when they ask for fewer, so that
/// it dampens both directions. A pending pod counts as 0 upwards, and not at all downwards.
pub fn pods_metric(current: u32, pods: &[Pod], target: f64) -> Option<u32> {
    let samples: Vec<f64> = pods.iter().filter_map(|pod| sample(*pod)).collect();
    if samples.is_empty() || target <= 0.0 {
        return None;
    }
    let pending = pods.iter().filter(|pod| **pod == Pod::Pending).count() as f64;
    let (sum, known) = (samples.iter().sum::<f64>(), samples.len() as f64);
    let missing = pods.len() as f64 - known - pending;
    let ratio = sum / known / target;
    let rebalances = pending > 0.0 && ratio > 1.0;
    if missing == 0.0 && !rebalances {
        return Some(if within_tolerance(ratio) {
            current
        } else {
            ceil(ratio * known)
        });
    }
    let filled = if ratio < 1.0 { sum + missing * target } else { sum };
    let all = known + missing + if rebalances { pending } else { 0.0 };
    let new = filled / all / target;
    let turned = (ratio < 1.0 && new > 1.0) || (ratio > 1.0 && new < 1.0);
    let replicas = ceil(new * all);
    let against = (new < 1.0 && replicas > current) || (new > 1.0 && replicas < current);
    Some(if within_tolerance(new) || turned || against {
        current
    } else {
        replicas
    })
}

/// An External metric with an `AverageValue`: the total over all pods that exist, divided by the target. Pods that are
/// still starting count as carrying their share, so it does not run away while they load.
pub fn average_value(current: u32, total: f64, target: f64) -> u32 {
    let ratio = total / (target * f64::from(current));
    // With no pod the ratio is endless or not a number; both are outside the tolerance.
    if current > 0 && within_tolerance(ratio) {
        current
    } else {
        ceil(total / target)
    }
}

fn sample(pod: Pod) -> Option<f64> {
    match pod {
        Pod::Sample(value) if value.is_finite() => Some(value),
        Pod::Sample(_) | Pod::Missing | Pod::Pending => None,
    }
}

fn within_tolerance(ratio: f64) -> bool {
    // Since 1.33 the controller compares with 1 + tolerance: 1.1 itself is inside.
    (1.0 - ratio).abs() <= TOLERANCE + 1e-9
}

/// Up to the next whole replica; what floating point adds to a whole number is not one more.
fn ceil(replicas: f64) -> u32 {
    (replicas - 1e-9).ceil().max(0.0) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    const M: Pod = Pod::Missing;
    const P: Pod = Pod::Pending;
    fn s(values: &[f64]) -> Vec<Pod> {
        values.iter().map(|v| Pod::Sample(*v)).collect()
    }
    fn with_missing(values: &[f64], missing: usize) -> Vec<Pod> {
        s(values).into_iter().chain(std::iter::repeat_n(M, missing)).collect()
    }

    #[rstest]
    // 24/16 = 1.5; 1.5 * 2 = 3.
    #[case::up(2, s(&[20.0, 28.0]), 16.0, Some(3))]
    // 17.6/16 = 1.1: still inside the tolerance.
    #[case::tolerated(2, s(&[17.6, 17.6]), 16.0, Some(2))]
    // 17.7/16 = 1.106; * 2 = 2.2.
    #[case::just_outside(2, s(&[17.7, 17.7]), 16.0, Some(3))]
    // 4/16 = .25; * 4 = 1.
    #[case::down(4, s(&[4.0, 4.0, 4.0, 4.0]), 16.0, Some(1))]
    // Two of four load. 32/16 = 2 alone; with zeros for the two 64/4/16 = 1: nothing more is ordered.
    #[case::starting_pods_do_not_compound(4, with_missing(&[32.0, 32.0], 2), 16.0, Some(4))]
    // 48/16 = 3; 96/4/16 = 1.5; * 4 = 6.
    #[case::more_than_what_starts(4, with_missing(&[48.0, 48.0], 2), 16.0, Some(6))]
    // 8/16 = .5; with the two on target (16 + 32)/4/16 = .75; * 4 = 3.
    #[case::missing_on_target_dampens_down(4, with_missing(&[8.0, 8.0], 2), 16.0, Some(3))]
    // 20/16 = 1.25, but 40/4/16 = .625 would turn around: keep.
    #[case::never_turns_around(4, with_missing(&[20.0, 20.0], 2), 16.0, Some(4))]
    // 32/16 = 2 alone; 64/4/16 = 1 with the two that have no node: keep.
    #[case::pending_pods_do_not_compound(4, vec![Pod::Sample(32.0), Pod::Sample(32.0), P, P], 16.0, Some(4))]
    // 12/16 = .75 of the two that run: 1.5.
    #[case::pending_pods_do_not_dampen_down(4, vec![Pod::Sample(12.0), Pod::Sample(12.0), P, P], 16.0, Some(2))]
    #[case::blind(3, vec![M, M, M], 16.0, None)]
    #[case::not_a_number_is_missing(2, s(&[f64::NAN, f64::NAN]), 16.0, None)]
    fn computes_a_pods_metric(
        #[case] current: u32,
        #[case] pods: Vec<Pod>,
        #[case] target: f64,
        #[case] expected: Option<u32>,
    ) {
        assert_eq!(pods_metric(current, &pods, target), expected);
    }

    #[rstest]
    #[case(3, 21.0, 5.0, 5)] // 21/(5*3) = 1.4; 21/5 = 4.2
    #[case(3, 16.0, 5.0, 3)] // 1.067
    #[case(3, 0.0, 5.0, 0)]
    #[case(0, 7.0, 5.0, 2)]
    #[case(8, 21.0, 5.0, 5)] // ordered already, not ready: the total alone decides
    fn computes_an_average_value(#[case] current: u32, #[case] total: f64, #[case] target: f64, #[case] expected: u32) {
        assert_eq!(average_value(current, total, target), expected);
    }

    proptest! {
        #[test]
        fn a_pods_metric_never_asks_for_more_than_the_load_on_target(
            values in prop::collection::vec(0.0..200.0_f64, 1..20), missing in 0..10_usize, target in 0.5..100.0_f64,
        ) {
            let pods = with_missing(&values, missing);
            let current = pods.len() as u32;
            let wanted = pods_metric(current, &pods, target).unwrap();
            let load = values.iter().sum::<f64>() / target;
            prop_assert!(f64::from(wanted) <= load.ceil().max(f64::from(current)));
            prop_assert!(wanted >= current.min(load.floor() as u32));
        }
    }
}
