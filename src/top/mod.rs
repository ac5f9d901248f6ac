//! `inferscale top`: the fleet as a table that renews itself. Reads only; writes nothing to the cluster.
//!
//! ```text
//! fleet (API server, I/O) ──┐
//!                           ├──► feed ──► rows (pure) ──► View ──┬──► screen (terminal, keys)
//! live (Prometheus, I/O) ───┘                                    └──► plain (lines or JSON)
//! ```
//!
//! What changes slowly (replicas, cost, reason) is the status of the objects; what moves from second to second (load,
//! queues, attained shares) is Prometheus'. What is not known is shown as `-`, never as 0.

pub mod address;
pub mod columns;
#[cfg(feature = "tui")]
pub mod draw;
pub mod feed;
pub mod fleet;
#[cfg(feature = "tui")]
pub mod keys;
pub mod live;
pub mod plain;
pub mod pods;
pub mod query;
pub mod rows;
#[cfg(feature = "tui")]
pub mod screen;
pub mod words;

#[cfg(test)]
mod fixture;

pub use feed::Feed;
pub use fleet::Scope;
pub use rows::View;
