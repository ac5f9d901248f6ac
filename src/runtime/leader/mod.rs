//! Which one of several operators writes: the holder of a Lease (`coordination.k8s.io/v1`).
//!
//! Whether a holder still lives is judged by the *renewals that this process saw*, on its own monotonic clock; the times
//! that stand in the Lease are for people. [`evaluate`] is pure; [`Election`] does the I/O around it; [`Leadership`] is
//! what everybody who writes asks, immediately before each write. The others stay warm: they look, fold and plan.
//!
//! Why two never hold a valid [`Claim`]: a claim ends 7 s after its last renewal was *sent*; another process takes the
//! Lease 10 s after it *saw* that renewal, which is later. The 3 s between hold a write of 2 s.

mod claim;
mod election;
mod evaluate;
mod identity;
mod record;

use std::time::Duration;

pub use claim::{Claim, Leadership, Refused, Standing, Warrant};
pub use election::{Election, ElectionError};
pub use evaluate::{Action, State, evaluate};
pub use identity::{Identity, client};
pub use record::{Observed, Record};

/// The name of the Lease: the same for every release, so that two in one namespace exclude each other.
pub const LEASE: &str = "inferscale";

/// How long a Lease is respected after its last renewal was seen.
pub const DURATION: Duration = Duration::from_secs(10);
/// How long after sending a renewal that came through the holder may write.
pub const DEADLINE: Duration = Duration::from_secs(7);
/// Between two renewals, and between two looks of those who wait.
pub const RETRY: Duration = Duration::from_secs(2);
/// No request about the Lease lives longer.
pub const REQUEST: Duration = Duration::from_secs(2);
