//! A group of equal GPU nodes bought one way.

use crate::units::UsdPerHour;

/// One GpuPool at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolSnapshot {
    /// What one accelerator costs; `None` = unknown.
    pub accelerator_price: Option<UsdPerHour>,
    /// Nodes that are ready.
    pub ready_nodes: u32,
    /// Nodes that exist and are not ready yet.
    pub starting_nodes: u32,
    /// Accelerators of the ready nodes.
    pub accelerators: u32,
    /// Those that no pod has asked for.
    pub free_accelerators: u32,
}
