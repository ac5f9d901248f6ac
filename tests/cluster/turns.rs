//! Who may run beside whom. The operator looks at the whole cluster, so a test that needs it gone, or that breaks
//! what all share, waits until the others are through.

use std::io::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Tests that begin within this time are weighed together.
const GATHER: Duration = Duration::from_millis(200);

/// What a test needs of the cluster that all share. In this order they come, where they can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// No operator: it would write into the objects of the test. Beside others like it.
    WithoutOperator,
    /// A running operator and an own namespace. Beside others like it.
    Together,
    /// The operator, Prometheus and the definitions for itself.
    Alone,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Turn>,
    holders: Vec<Turn>,
}

/// All turns of this test run.
#[derive(Debug)]
pub struct Turns(Mutex<State>);

/// A turn that lasts until it is dropped; then it says how long it was.
#[derive(Debug)]
pub struct Held {
    turns: &'static Turns,
    turn: Turn,
    began: Instant,
}

impl Turns {
    pub const fn new() -> Self {
        Self(Mutex::new(State {
            waiting: Vec::new(),
            holders: Vec::new(),
        }))
    }

    /// Waits for a turn.
    pub async fn take(&'static self, turn: Turn) -> Held {
        self.state(|state| state.waiting.push(turn));
        // So that those that start at the same moment are all there when the first is chosen.
        tokio::time::sleep(GATHER).await;
        while !self.state(|state| state.enter(turn)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Held {
            turns: self,
            turn,
            began: Instant::now(),
        }
    }

    fn state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().expect("no panic"))
    }
}

impl State {
    fn enter(&mut self, turn: Turn) -> bool {
        let beside = self.holders.iter().all(|held| *held == turn && turn != Turn::Alone);
        let first = self.waiting.iter().all(|waiting| *waiting >= turn);
        if beside && first {
            remove(&mut self.waiting, turn);
            self.holders.push(turn);
        }
        beside && first
    }
}

/// Prints a line whether or not the test passes: the test harness keeps the usual output of those that do.
pub fn tell(line: &str) {
    let thread = std::thread::current();
    let _ = writeln!(std::io::stderr(), "{}: {line}", thread.name().unwrap_or("cluster"));
}

impl Drop for Held {
    fn drop(&mut self) {
        let end = if std::thread::panicking() {
            "FAILED after"
        } else {
            "took"
        };
        tell(&format!("{end} {:.1} s", self.began.elapsed().as_secs_f64()));
        self.turns.state(|state| remove(&mut state.holders, self.turn));
    }
}

fn remove(turns: &mut Vec<Turn>, turn: Turn) {
    if let Some(at) = turns.iter().position(|other| *other == turn) {
        turns.swap_remove(at);
    }
}
