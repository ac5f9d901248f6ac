//! The hands: prepare (pure) and apply (I/O).
