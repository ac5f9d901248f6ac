//! How far the engine is off, alone and with one scalar.

use inferscale_core::performance::{Profile, StepLaw};

use crate::data::Configuration;
use crate::replay::{Means, play};

/// Relative errors without their sign, or the medians of such.
#[derive(Debug, Clone, Copy)]
pub struct Errors {
    /// Not a number where the runs say nothing about it.
    pub ttft: f64,
    pub tpot: f64,
    pub throughput: f64,
}

impl Errors {
    fn of(played: Means, measured: Means) -> Self {
        let off = |played: f64, measured: f64| (played / measured - 1.0).abs();
        Self {
            ttft: off(played.ttft_ms, measured.ttft_ms),
            tpot: off(played.tpot_ms, measured.tpot_ms),
            throughput: off(played.throughput, measured.throughput),
        }
    }

    fn sum(&self) -> f64 {
        [self.ttft, self.tpot, self.throughput]
            .into_iter()
            .filter(|e| e.is_finite())
            .sum()
    }
}

/// The median of each figure.
pub fn medians(errors: &[Errors]) -> Errors {
    let median = |figure: fn(Errors) -> f64| {
        let mut all: Vec<f64> = errors.iter().copied().map(figure).filter(|e| e.is_finite()).collect();
        all.sort_by(f64::total_cmp);
        match all.len() {
            0 => f64::NAN,
            n => f64::midpoint(all[(n - 1) / 2], all[n / 2]),
        }
    };
    Errors {
        ttft: median(|e| e.ttft),
        tpot: median(|e| e.tpot),
        throughput: median(|e| e.throughput),
    }
}

/// One configuration and its errors, medians over its runs.
pub struct Fidelity {
    pub configuration: Configuration,
    pub alone: Errors,
    pub scalar: f64,
    pub scaled: Errors,
}

impl Fidelity {
    /// Finds the scalar with the smallest sum of the three medians, to a hundredth.
    pub fn of(configuration: Configuration) -> Self {
        let with = |scalar: f64| {
            let profile = stretched(&configuration.profile, scalar);
            let runs: Vec<Errors> = configuration
                .runs
                .iter()
                .map(|run| Errors::of(play(&profile, run), run.measured))
                .collect();
            medians(&runs)
        };
        let mut scalar = 1.0;
        for (step, reach) in [(0.1, 4), (0.02, 5), (0.01, 1)] {
            let around: f64 = scalar;
            let tried = (-reach..=reach).map(|i| around + step * f64::from(i));
            let loss = |scalar: &f64| with(*scalar).sum();
            scalar = tried.min_by(|a, b| loss(a).total_cmp(&loss(b))).unwrap();
        }
        Self {
            alone: with(1.0),
            scaled: with(scalar),
            scalar,
            configuration,
        }
    }
}

fn stretched(profile: &Profile, scalar: f64) -> Profile {
    let law = profile.step;
    Profile {
        step: StepLaw {
            floor_ms: scalar * law.floor_ms,
            c_ms: scalar * law.c_ms,
            d_ms_per_sequence: scalar * law.d_ms_per_sequence,
            e_ms_per_kv_token: scalar * law.e_ms_per_kv_token,
            g_ms_per_prefill_token: scalar * law.g_ms_per_prefill_token,
            h_ms_per_prefill_token_context: scalar * law.h_ms_per_prefill_token_context,
        },
        ..profile.clone()
    }
}
