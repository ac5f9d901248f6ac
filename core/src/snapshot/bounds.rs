//! The least and the most of something.

/// The least and the most replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Never fewer.
    pub min: u32,
    /// Never more. A cap beats a minimum.
    pub max: u32,
}

impl Bounds {
    /// `n` moved into the bounds; the maximum wins where they cross.
    pub fn clamp(self, n: u32) -> u32 {
        n.max(self.min).min(self.max)
    }
}
