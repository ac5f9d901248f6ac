//! The world in discrete events, of the same physics as the plan.
