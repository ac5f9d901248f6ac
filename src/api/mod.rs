//! What users write: the custom resources, their conditions and unit types. No I/O.
