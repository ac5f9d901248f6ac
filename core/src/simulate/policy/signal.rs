//! What the queries of the rivals give: gauges of the newest scrape, rates and quantiles over a window.
//!
//! As Prometheus does it: a scrape that failed makes a series stale at once, and after a minute without any scrape
//! there is no answer.

use super::Order;
use super::hpa::Pod;
use super::scrape::{LatencyCounts, PodScrape, Scrape};
use super::view::View;
use crate::performance::Workload;
use crate::simulate::Moment;
use crate::snapshot::{Bounds, Phase};

/// Seconds after which the newest scrape is no answer any more.
const STALE_S: f64 = 60.0;

/// The newest round of scrapes, when it is fresh.
pub fn newest<'a>(view: &View<'a>) -> Option<&'a Scrape> {
    view.scrapes
        .last()
        .filter(|round| seconds(view.now, round.at) <= STALE_S)
}

/// The rounds of the last `window_s` seconds, oldest first.
pub fn window<'a>(view: &View<'a>, window_s: f64) -> impl DoubleEndedIterator<Item = &'a Scrape> + use<'a> {
    view.scrapes.since(view.now + -1000.0 * window_s)
}

/// What the replicas of a variant that take requests reported in a round.
pub fn serving(round: &Scrape, variant: usize) -> impl Iterator<Item = &PodScrape> {
    round
        .pods
        .iter()
        .filter(move |pod| pod.variant == variant && !pod.draining)
}

/// The pods of a variant as a HorizontalPodAutoscaler groups them, with one gauge of each. A pod that starts has a
/// GPU and no engine yet: it runs, without metrics.
pub fn by_pod(view: &View<'_>, variant: usize, gauge: impl Fn(&PodScrape) -> f64) -> Vec<Pod> {
    let round = newest(view);
    let sample = |id: u64| round.and_then(|round| round.pods.iter().find(|pod| pod.id == id));
    let pods = view.pods.iter().filter(|pod| pod.variant == variant);
    pods.filter_map(|pod| match pod.phase {
        Phase::Draining => None,
        Phase::Unschedulable => Some(Pod::Pending),
        Phase::Starting => Some(Pod::Missing),
        Phase::Ready => Some(sample(pod.id).map_or(Pod::Missing, |scrape| Pod::Sample(gauge(scrape)))),
    })
    .collect()
}

/// Requests a second that reached the router over the last `window_s` seconds; `None` with fewer than two scrapes.
pub fn arrival_rate(view: &View<'_>, window_s: f64) -> Option<f64> {
    let mut counted = window(view, window_s).filter_map(|round| round.router.map(|router| (round.at, router.arrived)));
    let (from, before) = counted.next()?;
    let (to, after) = counted.next_back()?;
    Some(after.saturating_sub(before) as f64 / seconds(to, from)).filter(|rate| rate.is_finite())
}

/// Mean tokens of the requests that a variant's replicas served over the last `window_s` seconds; `None` = none.
pub fn tokens(view: &View<'_>, variant: usize, window_s: f64) -> Option<Workload> {
    let last = window(view, window_s).next_back()?;
    let (mut completed, mut prompt, mut generated) = (0, 0, 0);
    for pod in serving(last, variant) {
        let mut rounds = window(view, window_s);
        let first = rounds.find_map(|round| round.pods.iter().find(|earlier| earlier.id == pod.id));
        let Some(first) = first else { continue };
        completed += pod.completed.saturating_sub(first.completed);
        prompt += pod.prompt_tokens.saturating_sub(first.prompt_tokens);
        generated += pod.generated_tokens.saturating_sub(first.generated_tokens);
    }
    (completed > 0).then(|| Workload {
        prompt_tokens: prompt as f64 / completed as f64,
        output_tokens: generated as f64 / completed as f64,
    })
}

/// `histogram_quantile` of what was counted between two readings, in seconds; `None` = nothing was.
pub fn quantile(edges_s: &[f64], earlier: &LatencyCounts, later: &LatencyCounts, share: f64) -> Option<f64> {
    let counts = later.counts.iter().zip(&earlier.counts);
    let counts: Vec<f64> = counts
        .map(|(after, before)| after.saturating_sub(*before) as f64)
        .collect();
    let total: f64 = counts.iter().sum();
    if total <= 0.0 {
        return None;
    }
    let rank = share * total;
    let mut below = 0.0;
    let mut lower = 0.0;
    for (upper, count) in edges_s.iter().zip(&counts) {
        if below + count >= rank && *count > 0.0 {
            return Some(lower + (upper - lower) * (rank - below) / count);
        }
        below += count;
        lower = *upper;
    }
    // Beyond the last edge there is nothing to interpolate to.
    Some(lower)
}

/// Seconds from `earlier` to `later`.
pub fn seconds(later: Moment, earlier: Moment) -> f64 {
    (later - earlier) / 1000.0
}

/// What the spec allows a variant that is scaled alone.
pub fn bounds(view: &View<'_>, variant: usize) -> Bounds {
    let all = view.object.replicas;
    let own = view.object.variants.get(variant).map_or(all, |v| v.replicas);
    Bounds {
        min: all.min.max(own.min),
        max: all.max.min(own.max),
    }
}

/// `n` replicas of one variant and none of the others.
pub fn only(view: &View<'_>, variant: usize, n: u32) -> Order {
    let replicas = (0..view.variants.len())
        .map(|i| if i == variant { n } else { 0 })
        .collect();
    Order { replicas, why: None }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    // Ten between 0 and 1, ten between 1 and 2: the 15th is half-way through the second.
    #[case(&[10, 10, 0], 0.75, Some(1.5))]
    #[case(&[10, 10, 0], 0.5, Some(1.0))]
    #[case(&[0, 0, 5], 0.9, Some(2.0))]
    #[case(&[0, 0, 0], 0.9, None)]
    fn interpolates_a_quantile_as_prometheus_does(
        #[case] counts: &[u64],
        #[case] share: f64,
        #[case] expected: Option<f64>,
    ) {
        let mut later = LatencyCounts::default();
        later
            .counts
            .iter_mut()
            .zip(counts)
            .for_each(|(to, from)| *to = 3 + from);
        let mut earlier = LatencyCounts::default();
        earlier
            .counts
            .iter_mut()
            .take(counts.len())
            .for_each(|count| *count = 3);
        assert_eq!(quantile(&[1.0, 2.0], &earlier, &later, share), expected);
    }
}
