//! Engines of the core in real time behind pod addresses, for the demo and the cluster tests.
