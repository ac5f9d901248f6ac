//! Who decides how many replicas run. A policy sees what a controller in a cluster would see, and no more: the objects
//! and pods of the API as they are now, and metrics as late and as patchy as they were scraped.

mod aibrix;
pub mod clairvoyant;
mod dynamo;
pub mod fixed;
#[cfg(test)]
mod fixture;
mod hpa;
pub mod inferscale;
mod keda_queue;
mod kind;
mod knative;
mod llmd_slo;
mod ray_serve;
mod scrape;
mod signal;
mod spec;
#[cfg(test)]
mod tests;
mod view;
mod wva;

pub use kind::{About, Kind};
pub use scrape::{LatencyCounts, Live, PodScrape, RouterScrape, Scrape, Scrapes, Second, TPOT_EDGES_S, TTFT_EDGES_S};
pub use spec::{Context, Error, Spec, parse};
pub use view::{Beginning, PodState, VariantState, View};

/// What a policy wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    /// Replicas by variant, in the order of the spec, in total (not the difference). A variant that is missing here
    /// keeps what is ordered.
    pub replicas: Vec<u32>,
    /// Why, for people: the mark on the time line.
    pub why: Option<String>,
}

impl Order {
    /// `n` replicas of the first variant, none of the others, which is what a single-variant autoscaler can say.
    pub fn first(n: u32, variants: usize) -> Self {
        let mut replicas = vec![0; variants];
        if let Some(first) = replicas.first_mut() {
            *first = n;
        }
        Self { replicas, why: None }
    }
}

/// An autoscaler of one object.
pub trait Policy: Send {
    /// Seconds between two decisions.
    fn period_s(&self) -> f64;

    /// Called once before the first decision.
    fn begin(&mut self, _beginning: &Beginning<'_>) {}

    /// What should be ordered now. The world clamps it to the bounds of the spec.
    fn decide(&mut self, view: &View<'_>) -> Order;
}
