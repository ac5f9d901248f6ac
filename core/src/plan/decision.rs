//! A decision: what should run, why in one word and one sentence, on which inputs, against which alternatives.

use super::evidence::Evidence;
use super::forecast::Forecast;
use super::guards::Limit;
use super::mix::Candidate;
use super::propose::Proposal;
use super::reason::Reason;
use crate::snapshot::ObjectSnapshot;
use crate::units::{Ratio, Span, Time, UsdPerHour};

/// The most candidates that are reported.
const MOST_CANDIDATES: usize = 5;

/// One number that a decision was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// What it is, such as `demand`.
    pub name: &'static str,
    /// Its value with its unit, for people.
    pub value: String,
    /// How old the newest sample behind it is; `None` = not measured.
    pub age: Option<Span>,
    /// The share of the serving pods behind it.
    pub coverage: Ratio,
}

/// One way that was weighed.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// Replicas by variant, such as `3 a100-bf16`.
    pub replicas: String,
    /// What it costs an hour; `None` = a price is unknown.
    pub cost: Option<UsdPerHour>,
    /// `chosen`, or why it lost.
    pub verdict: String,
}

/// A decision about one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Short, the same for the same decision at the same time: ties log, event and status together.
    pub id: String,
    /// When it was made.
    pub time: Time,
    /// Why, in one word.
    pub reason: Reason,
    /// Why, for people.
    pub message: String,
    /// What it was made from.
    pub inputs: Vec<Input>,
    /// What was weighed, the chosen one first, at most five.
    pub candidates: Vec<Weighed>,
}

/// The reason and the sentence of a decision that goes from `current` to `desired`.
pub fn explain(proposal: &Proposal, limits: &[Limit], current: &[u32], desired: &[u32]) -> (Reason, String) {
    let (from, to): (u32, u32) = (current.iter().sum(), desired.iter().sum());
    // Who bound it last is why it is as it is.
    let bound = limits.last();
    let reason = match (bound, proposal.reason) {
        (Some(limit), _) if current == desired => limit.reason,
        (Some(limit), _) if matches!(limit.reason, Reason::AtMinimum | Reason::AtMaximum) => limit.reason,
        (_, Some(reason)) => reason,
        (None, None) if !proposal.enough && to <= from => Reason::AtMaximum,
        (_, None) if current != desired && is_switch(proposal, current) => Reason::CheaperVariant,
        (_, None) if to > from => Reason::DemandUp,
        (_, None) if to < from => Reason::DemandDown,
        (_, None) => Reason::Steady,
    };
    let mut message = proposal.message.clone();
    for limit in limits {
        message.push_str("; ");
        message.push_str(&limit.message);
    }
    (reason, message)
}

/// Whether the proposal takes replicas of a variant that would be enough, for another one that costs less.
fn is_switch(proposal: &Proposal, current: &[u32]) -> bool {
    let count = |replicas: &[u32], i: usize| replicas.get(i).copied().unwrap_or(0);
    proposal.active.is_some_and(|active| {
        let goes = |c: &Candidate| c.active != active && count(&proposal.replicas, c.active) < count(current, c.active);
        count(&proposal.replicas, active) >= count(current, active)
            && proposal.candidates.iter().any(|c| c.enough && goes(c))
    })
}

/// The numbers behind a decision.
pub fn inputs(evidence: &Evidence, forecast: Option<&Forecast>) -> Vec<Input> {
    let input = |name, value| Input {
        name,
        value,
        age: evidence.age,
        coverage: evidence.coverage,
    };
    let mut inputs = Vec::new();
    if evidence.coverage > Ratio::ZERO {
        inputs.push(input("running", format!("{:.0} requests", evidence.running)));
        inputs.push(input("waiting", format!("{:.0} requests", evidence.waiting)));
    }
    if let Some(kv) = evidence.kv_use {
        inputs.push(input("kvUse", kv.to_string()));
    }
    if let Some(f) = forecast {
        inputs.push(input("demand", format!("{:.2} req/s", f.now)));
        inputs.push(input("expected", format!("{:.2} req/s", f.expected)));
        inputs.push(input("headroom", format!("{:.2}", f.headroom)));
        inputs.push(input("leadTime", f.lead_time.to_string()));
        if let Some(w) = f.workload {
            let tokens = format!("{:.0} in, {:.0} out tokens/request", w.prompt_tokens, w.output_tokens);
            inputs.push(input("workload", tokens));
        }
    }
    inputs
}

/// The candidates as they are reported: the one that became the proposal first.
pub fn weighed(object: &ObjectSnapshot, proposal: &Proposal) -> Vec<Weighed> {
    let chosen = proposal.candidates.iter().find(|c| c.replicas == proposal.replicas);
    let mut all: Vec<Weighed> = proposal
        .candidates
        .iter()
        .map(|c| Weighed {
            replicas: text(object, &c.replicas),
            cost: c.cost,
            verdict: verdict(c, chosen),
        })
        .collect();
    all.sort_by_key(|w| w.verdict != "chosen");
    all.truncate(MOST_CANDIDATES);
    all
}

fn verdict(candidate: &Candidate, chosen: Option<&Candidate>) -> String {
    let Some(chosen) = chosen else {
        return "not proposed: a person's order is in force".to_owned();
    };
    if candidate.active == chosen.active {
        return "chosen".to_owned();
    }
    if !candidate.enough {
        return format!("carries only {:.2} req/s within its bounds", candidate.carries);
    }
    match (candidate.cost, chosen.cost) {
        (Some(mine), Some(best)) if mine.get() > best.get() => {
            format!("${:.2}/h dearer", mine.get() - best.get())
        }
        (Some(_), Some(_)) => "saves too little for a switch".to_owned(),
        _ => "its price is not known: name a pool with a price".to_owned(),
    }
}

fn text(object: &ObjectSnapshot, replicas: &[u32]) -> String {
    let parts = object.variants.iter().zip(replicas).filter(|(_, n)| **n > 0);
    let text: Vec<String> = parts.map(|(v, n)| format!("{n} {}", v.name)).collect();
    if text.is_empty() {
        "none".to_owned()
    } else {
        text.join(" + ")
    }
}

/// Eight hex digits of FNV-1a over what identifies a decision.
pub fn id(object: &str, time: Time, reason: Reason, desired: &[u32]) -> String {
    let mut hash: u32 = 0x811c_9dc5;
    let text = format!("{object} {} {reason} {desired:?}", time.as_millis());
    for byte in text.bytes() {
        hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    }
    format!("{hash:08x}")
}
