//! How long one engine iteration takes. Pure.

use super::profile::StepLaw;

impl StepLaw {
    /// Milliseconds of one iteration in which `sequences` decode with `kv_tokens` in their caches together, while
    /// `prefill_tokens` prompt tokens are processed at a mean context of `prefill_context` tokens (half the length
    /// of a prompt that is processed in one go).
    pub fn step(&self, sequences: f64, kv_tokens: f64, prefill_tokens: f64, prefill_context: f64) -> f64 {
        self.unfloored(sequences, kv_tokens, prefill_tokens, prefill_context)
            .max(self.floor_ms)
    }

    /// [`StepLaw::step`] without its floor: linear in everything, so that many steps can be summed at once.
    pub(crate) fn unfloored(&self, sequences: f64, kv_tokens: f64, prefill_tokens: f64, prefill_context: f64) -> f64 {
        self.c_ms
            + self.d_ms_per_sequence * sequences
            + self.e_ms_per_kv_token * kv_tokens
            + prefill_tokens * self.prefill_token(prefill_context)
    }

    /// Milliseconds that one prompt token adds to its step at a mean context of `context` tokens.
    pub(crate) fn prefill_token(&self, context: f64) -> f64 {
        self.g_ms_per_prefill_token + self.h_ms_per_prefill_token_context * context
    }

    /// The coefficient that no step law can have: negative or not finite; `None` when the law is sound.
    pub fn unsound(&self) -> Option<(&'static str, f64)> {
        [
            ("floorMs", self.floor_ms),
            ("cMs", self.c_ms),
            ("dMsPerSequence", self.d_ms_per_sequence),
            ("eMsPerKvToken", self.e_ms_per_kv_token),
            ("gMsPerPrefillToken", self.g_ms_per_prefill_token),
            ("hMsPerPrefillTokenContext", self.h_ms_per_prefill_token_context),
        ]
        .into_iter()
        .find(|(_, value)| !value.is_finite() || *value < 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAW: StepLaw = StepLaw {
        floor_ms: 14.5,
        c_ms: 7.6,
        d_ms_per_sequence: 0.05,
        e_ms_per_kv_token: 8e-5,
        g_ms_per_prefill_token: 0.06,
        h_ms_per_prefill_token_context: 6e-6,
    };

    #[test]
    fn a_nearly_empty_step_costs_the_floor() {
        assert!((LAW.step(1.0, 100.0, 0.0, 0.0) - 14.5).abs() < 1e-12);
    }

    #[test]
    fn every_part_adds_up_above_the_floor() {
        let expected = 7.6 + 0.05 * 100.0 + 8e-5 * 100_000.0 + 1000.0 * (0.06 + 6e-6 * 500.0);
        assert!((LAW.step(100.0, 100_000.0, 1000.0, 500.0) - expected).abs() < 1e-9);
    }

    #[test]
    fn a_negative_or_endless_coefficient_is_named() {
        assert_eq!(LAW.unsound(), None);
        assert_eq!(StepLaw { c_ms: -1.0, ..LAW }.unsound(), Some(("cMs", -1.0)));
        let endless = StepLaw {
            floor_ms: f64::INFINITY,
            ..LAW
        };
        assert_eq!(endless.unsound().map(|(name, _)| name), Some("floorMs"));
    }
}
