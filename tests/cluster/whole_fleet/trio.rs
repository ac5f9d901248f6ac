//! Three operators on one cluster, of which one leads.

use std::time::{Duration, Instant};

use crate::operator::Operator;
use crate::stage::Act;

/// How long somebody may be missing who leads.
const LEADERLESS: Duration = Duration::from_secs(30);

/// Three operators, some of which may be dead or paused.
pub struct Trio {
    operators: Vec<Operator>,
    paused: Option<usize>,
}

impl Trio {
    /// Starts three in place of the one that all tests share.
    pub async fn start(act: &Act) -> Self {
        let mut shared = act.operator().await;
        shared.kill().await;
        shared.give_back_lease().await;
        let mut operators = Vec::new();
        for name in ["one", "two", "three"] {
            let mut operator = shared.another(name);
            // Ready without leading: two of them are.
            operator.stand().await;
            operators.push(operator);
        }
        Self {
            operators,
            paused: None,
        }
    }

    /// Waits until exactly one of those that run leads, and tells which.
    pub async fn leader(&mut self) -> usize {
        let began = Instant::now();
        loop {
            let mut leading = Vec::new();
            for i in 0..self.operators.len() {
                let operator = &mut self.operators[i];
                if self.paused != Some(i) && operator.runs() && operator.metric("inferscale_leader", "").await > 0.0 {
                    leading.push(i);
                }
            }
            if let [one] = leading[..] {
                return one;
            }
            assert!(began.elapsed() < LEADERLESS, "those that lead: {leading:?}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// SIGKILL.
    pub async fn kill(&mut self, which: usize) {
        self.operators[which].kill().await;
    }

    /// SIGTERM, and waits for the end.
    pub async fn end(&mut self, which: usize) {
        self.operators[which].signal("TERM").await;
        self.operators[which].ended().await;
    }

    /// SIGSTOP.
    pub async fn pause(&mut self, which: usize) {
        self.operators[which].signal("STOP").await;
        self.paused = Some(which);
    }

    /// SIGCONT.
    pub async fn resume(&mut self) {
        if let Some(which) = self.paused.take() {
            self.operators[which].signal("CONT").await;
        }
    }

    /// Starts again whoever is dead, and waits until all are ready.
    pub async fn complete(&mut self) {
        for operator in &mut self.operators {
            operator.stand().await;
        }
    }

    /// Whether one leads, by its own account.
    pub async fn leads(&self, which: usize) -> bool {
        self.operators[which].metric("inferscale_leader", "").await > 0.0
    }

    /// Ends all.
    pub async fn kill_all(&mut self) {
        self.resume().await;
        for operator in &mut self.operators {
            operator.kill().await;
        }
    }

    /// The last lines of all logs.
    pub fn logs(&self) -> String {
        self.operators
            .iter()
            .map(|o| o.log_of("ead"))
            .collect::<Vec<_>>()
            .join("\n--\n")
    }
}
