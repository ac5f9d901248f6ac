//! Why clocks are lower than they could be: NVML's mask as words. No I/O.

/// One reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, strum::IntoStaticStr, strum::EnumIter)]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// Nothing runs.
    Idle,
    /// Somebody set application clocks.
    ApplicationsClocks,
    /// The power limit is reached.
    SoftwarePowerCap,
    /// The hardware halves the clocks: heat, power brake or draw.
    HardwareSlowdown,
    /// Another GPU of the sync boost group is slower.
    SyncBoost,
    /// The driver's limit of heat is reached.
    SoftwareThermal,
    /// The hardware's limit of heat is reached.
    HardwareThermal,
    /// The power supply asks for it.
    HardwarePowerBrake,
    /// The display's clock binds.
    DisplayClock,
}

/// Each reason with its bit.
const BITS: [(Reason, u64); 9] = [
    (Reason::Idle, 1),
    (Reason::ApplicationsClocks, 1 << 1),
    (Reason::SoftwarePowerCap, 1 << 2),
    (Reason::HardwareSlowdown, 1 << 3),
    (Reason::SyncBoost, 1 << 4),
    (Reason::SoftwareThermal, 1 << 5),
    (Reason::HardwareThermal, 1 << 6),
    (Reason::HardwarePowerBrake, 1 << 7),
    (Reason::DisplayClock, 1 << 8),
];

/// The reasons of a mask, in the order of their bits. Bits that a newer driver knows are left out.
pub fn reasons(mask: u64) -> Vec<Reason> {
    BITS.iter()
        .filter(|(_, bit)| mask & bit != 0)
        .map(|(reason, _)| *reason)
        .collect()
}

#[cfg(test)]
mod tests {
    use nvml_wrapper::bitmasks::device::ThrottleReasons;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::none(ThrottleReasons::NONE, &[])]
    #[case::idle(ThrottleReasons::GPU_IDLE, &[Reason::Idle])]
    #[case::clocks(ThrottleReasons::APPLICATIONS_CLOCKS_SETTING, &[Reason::ApplicationsClocks])]
    #[case::power(ThrottleReasons::SW_POWER_CAP, &[Reason::SoftwarePowerCap])]
    #[case::slowdown(ThrottleReasons::HW_SLOWDOWN, &[Reason::HardwareSlowdown])]
    #[case::boost(ThrottleReasons::SYNC_BOOST, &[Reason::SyncBoost])]
    #[case::heat(ThrottleReasons::SW_THERMAL_SLOWDOWN, &[Reason::SoftwareThermal])]
    #[case::heat_of_hardware(ThrottleReasons::HW_THERMAL_SLOWDOWN, &[Reason::HardwareThermal])]
    #[case::brake(ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN, &[Reason::HardwarePowerBrake])]
    #[case::display(ThrottleReasons::DISPLAY_CLOCK_SETTING, &[Reason::DisplayClock])]
    #[case::two(
        ThrottleReasons::SW_POWER_CAP | ThrottleReasons::HW_THERMAL_SLOWDOWN,
        &[Reason::SoftwarePowerCap, Reason::HardwareThermal]
    )]
    fn each_bit_is_the_reason_that_nvml_means(#[case] mask: ThrottleReasons, #[case] expected: &[Reason]) {
        assert_eq!(reasons(mask.bits()), expected);
    }

    #[test]
    fn a_bit_of_a_newer_driver_hides_none_of_the_known() {
        assert_eq!(reasons(1 << 40 | 4), [Reason::SoftwarePowerCap]);
    }
}
