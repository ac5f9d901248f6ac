//! What the object's status says of a decision.
