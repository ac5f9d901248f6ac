//! What arrives: requests in order of time, and what is known of the time before the start.

use super::Moment;

/// One request as it reaches the router.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// When, counted from the start of the world.
    pub at: Moment,
    /// Tokens of its prompt.
    pub prompt_tokens: u32,
    /// Tokens it will generate.
    pub output_tokens: u32,
}

/// Requests by rising time. Read once, one at a time, so that a long trace takes no memory.
pub type Load = Box<dyn Iterator<Item = Arrival> + Send>;

/// What the metrics of one grid bucket before the start said.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PastBucket {
    /// Requests a second.
    pub rate: f64,
    /// Mean tokens of a prompt.
    pub prompt_tokens: f64,
    /// Mean tokens of an answer.
    pub output_tokens: f64,
    /// The share of the bucket that was seen; 0 = a hole in the metrics, not zero demand.
    pub coverage: f64,
}
