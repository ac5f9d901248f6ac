//! How far everything is: a bar on a terminal, nothing elsewhere. I/O: standard error.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use inferscale_core::simulate::load::{Arrival, Load};

/// Parts of the bar a world.
const PARTS: u64 = 1000;

/// The bar of all worlds together.
#[derive(Debug, Clone)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar where standard error is a terminal.
    pub fn on_terminal() -> Self {
        if std::io::stderr().is_terminal() {
            Self(ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()))
        } else {
            Self::hidden()
        }
    }

    /// None at all.
    pub fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// So many worlds will be run.
    pub(super) fn expect(&self, worlds: usize) {
        let template = "{bar:40} {percent:>3} %  {msg}  {elapsed} gone, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.0.set_style(style.progress_chars("━╸ "));
        }
        self.0.set_length(worlds as u64 * PARTS);
        self.0.set_message(format!("{worlds} worlds"));
    }

    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }

    /// The same requests, which move the bar as they are taken.
    pub(super) fn watch(&self, load: Load, duration_s: f64) -> Load {
        Box::new(Watched {
            load,
            per_s: PARTS as f64 / duration_s.max(1e-3),
            told: 0,
            bar: self.0.clone(),
        })
    }
}

struct Watched {
    load: Load,
    per_s: f64,
    told: u64,
    bar: ProgressBar,
}

impl Iterator for Watched {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let next = self.load.next();
        let now = next.map_or(PARTS, |arrival| ((arrival.at.as_secs() * self.per_s) as u64).min(PARTS));
        if now > self.told {
            self.bar.inc(now - self.told);
            self.told = now;
        }
        next
    }
}
