//! One clock, many objects: requests, replicas, metrics and decisions in discrete events.

mod outcome;
mod setup;

pub use outcome::{Mark, Minute, ObjectOutcome, Timeline};
pub use setup::{Balancing, ObjectSetup, PoolSetup, Queue, ScrapeSetup, Spread, WorldSetup};
