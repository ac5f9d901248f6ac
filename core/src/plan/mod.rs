//! From a snapshot and a memory to a plan.
