//! Three candidates and one Lease, with everything delayed, lost, repeated, paused or deleted at will, and clocks that
//! show anything: never two valid claims, and never one while a write of the claim before can still be under way.

use std::time::Duration;

use inferscale_core::units::Time;
use proptest::prelude::*;

use super::super::REQUEST;
use super::super::record::Record;
use super::*;

const CANDIDATES: usize = 3;

/// What happens next; nothing happens by itself, so a candidate that does not occur for long is paused.
#[derive(Debug, Clone)]
enum Step {
    /// Milliseconds pass.
    Pass(u64),
    /// The server reads the Lease for somebody who asked.
    Read(usize),
    /// What was read for it arrives.
    Learn(usize),
    /// It does what is due; its clock shows this.
    Act(usize, i64),
    /// Its write reaches the server.
    Arrive(usize),
    /// The answer to its write arrives.
    Answer(usize),
    /// Its write, or the answer to it, is lost.
    Lose(usize),
    /// It ends in order.
    Release(usize),
    /// Somebody deletes the Lease by hand.
    Delete,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || 0..CANDIDATES;
    // A clock that stands still, goes back or is years off.
    let clock = prop_oneof![Just(0_i64), -5_000..5_000_i64, Just(1_795_514_400_000)];
    let step = prop_oneof![
        5 => (0_u64..3_000).prop_map(Step::Pass),
        1 => (3_000_u64..15_000).prop_map(Step::Pass),
        4 => who().prop_map(Step::Read),
        4 => who().prop_map(Step::Learn),
        6 => (who(), clock).prop_map(|(who, clock)| Step::Act(who, clock)),
        6 => who().prop_map(Step::Arrive),
        6 => who().prop_map(Step::Answer),
        1 => who().prop_map(Step::Lose),
        1 => who().prop_map(Step::Release),
        1 => Just(Step::Delete),
    ];
    prop::collection::vec(step, 1..150)
}

/// A write under way.
#[derive(Debug, Clone)]
struct Sent {
    record: Record,
    /// `None` = there must be no Lease.
    version: Option<String>,
    at: Instant,
    answer: Answer,
}

/// What the server said to it.
#[derive(Debug, Clone)]
enum Answer {
    /// It has not arrived.
    None,
    Conflict,
    Stored(Observed),
}

/// What was read: the Lease, if there was one.
#[derive(Debug, Clone)]
struct Read(Option<Observed>);

struct World {
    now: Instant,
    lease: Option<Observed>,
    versions: u64,
    states: Vec<State>,
    /// What was read for each.
    mail: Vec<Option<Read>>,
    sent: Vec<Option<Sent>>,
    epochs: Vec<i32>,
    deleted: bool,
    claims: usize,
}

impl World {
    fn new() -> Self {
        Self {
            now: Instant::now(),
            lease: None,
            versions: 0,
            states: (0..CANDIDATES).map(|i| State::new(format!("candidate-{i}"))).collect(),
            mail: vec![None; CANDIDATES],
            sent: vec![None; CANDIDATES],
            epochs: Vec::new(),
            deleted: false,
            claims: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Pass(ms) => self.now += Duration::from_millis(ms),
            Step::Read(i) => self.mail[i] = Some(Read(self.lease.clone())),
            Step::Learn(i) => {
                if let Some(Read(lease)) = self.mail[i].take() {
                    self.states[i].observe(lease, self.now);
                }
            }
            Step::Act(i, clock) => self.act(i, clock),
            Step::Arrive(i) => self.arrive(i),
            Step::Answer(i) => self.answer(i),
            Step::Lose(i) => self.sent[i] = None,
            Step::Release(i) => {
                if let Some((epoch, version)) = self.states[i].resign() {
                    self.send(i, Record::released(epoch, Time::from_millis(0)), Some(version));
                }
            }
            // "There is none" has no version. So a Lease must not be deleted before everybody has seen that there is one,
            // nor while a request to make one is under way: docs/reliability.md says so.
            Step::Delete if self.may_be_deleted() => {
                self.lease = None;
                // Who slept through the epochs of a Lease that is gone counts on from the last that it saw.
                self.deleted = true;
            }
            Step::Delete => {}
        }
    }

    fn may_be_deleted(&self) -> bool {
        let making = |sent: &Sent| sent.version.is_none() && matches!(sent.answer, Answer::None);
        self.states.iter().all(|state| state.lease().is_some()) && !self.sent.iter().flatten().any(making)
    }

    fn act(&mut self, i: usize, clock: i64) {
        if self.sent[i].is_some() {
            return;
        }
        let (epoch, version) = match evaluate(&self.states[i], self.now) {
            Action::Create { epoch } => (epoch, None),
            Action::Take { epoch, version } | Action::Renew { epoch, version } => (epoch, Some(version)),
            Action::Look | Action::Wait(_) => return,
        };
        let before = self.states[i].lease().map(|lease| &lease.record);
        let record = Record::held(&format!("candidate-{i}"), epoch, before, Time::from_millis(clock));
        self.send(i, record, version);
    }

    fn send(&mut self, i: usize, record: Record, version: Option<String>) {
        self.states[i].trying(self.now);
        self.sent[i] = Some(Sent {
            record,
            version,
            at: self.now,
            answer: Answer::None,
        });
    }

    fn arrive(&mut self, i: usize) {
        let Some(sent) = &mut self.sent[i] else { return };
        if !matches!(sent.answer, Answer::None) {
            return;
        }
        if self.lease.as_ref().map(|lease| &lease.version) != sent.version.as_ref() {
            sent.answer = Answer::Conflict;
            return;
        }
        // A write that changes nothing makes no new version.
        if self.lease.as_ref().is_none_or(|lease| lease.record != sent.record) {
            self.versions += 1;
        }
        if self.epochs.last() != Some(&sent.record.epoch) {
            self.epochs.push(sent.record.epoch);
        }
        let stored = Observed {
            record: sent.record.clone(),
            version: self.versions.to_string(),
        };
        self.lease = Some(stored.clone());
        sent.answer = Answer::Stored(stored);
    }

    fn answer(&mut self, i: usize) {
        if self.sent[i]
            .as_ref()
            .is_none_or(|sent| matches!(sent.answer, Answer::None))
        {
            return;
        }
        let Some(Sent {
            answer: Answer::Stored(stored),
            at,
            ..
        }) = self.sent[i].take()
        else {
            return;
        };
        self.states[i].wrote(stored, at, self.now);
        let Some(claim) = self.states[i].claim() else { return };
        if self.now < claim.valid_until() {
            self.claims += 1;
            for other in (0..CANDIDATES).filter(|other| *other != i) {
                let Some(before) = self.states[other].claim() else {
                    continue;
                };
                // Only if the new one is the later of the two can a write of the other be in its way.
                if before.renewed < claim.renewed {
                    assert!(
                        before.valid_until() + REQUEST <= claim.renewed,
                        "a write of {before:?} may still be under way under {claim:?}"
                    );
                }
            }
        }
    }

    fn check(&self) {
        let claims = self.states.iter().filter_map(State::claim);
        let valid = claims.filter(|claim| self.now < claim.valid_until()).count();
        assert!(valid <= 1, "{valid} valid claims: {:?}", self.states);
        assert!(
            self.deleted || self.epochs.is_sorted(),
            "an epoch came back: {:?}",
            self.epochs
        );
    }
}

/// What happens when everything goes well, so that the steps that follow do not begin at nothing.
fn opening() -> Vec<Step> {
    let mut steps = vec![
        Step::Read(0),
        Step::Learn(0),
        Step::Act(0, 0),
        Step::Arrive(0),
        Step::Answer(0),
    ];
    for i in 1..CANDIDATES {
        steps.extend([Step::Read(i), Step::Learn(i)]);
    }
    steps
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6_000))]

    #[test]
    fn at_most_one_holds_a_valid_claim_whatever_happens(steps in steps()) {
        let mut world = World::new();
        for step in opening().into_iter().chain(steps) {
            world.step(&step);
            world.check();
        }
    }
}

/// The proof that the property above is about something: claims change hands in it.
#[test]
fn the_steps_bring_many_changes_of_hands() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut claims, mut changes) = (0, 0);
    for _ in 0..300 {
        let steps = steps().new_tree(&mut runner).unwrap().current();
        let mut world = World::new();
        for step in opening().into_iter().chain(steps) {
            world.step(&step);
        }
        claims += world.claims;
        changes += world.epochs.len();
    }
    assert!(claims > 300 && changes > 300, "{claims} claims, {changes} changes");
}
