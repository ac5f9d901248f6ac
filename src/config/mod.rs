//! The operator's own YAML, presets and profiles.
