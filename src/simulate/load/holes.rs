//! Holes of a trace: nothing was collected there, which is not the same as no demand. Pure.
//!
//! The traffic inside a hole is drawn from rates between those on both sides, and the policies see no metrics.

use crate::trace::clients::{Client, ClientWindow, Clients};
use crate::trace::rates::Rates;

/// A time without measurements, in the seconds of the trace.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hole {
    /// When it begins.
    pub from_s: f64,
    /// When it ends.
    pub to_s: f64,
}

/// Fills the holes of rates on straight lines, and names them.
pub fn fill_rates(mut rates: Rates) -> (Rates, Vec<Hole>) {
    let missing: Vec<bool> = rates.windows.iter().map(|window| window.hole).collect();
    let mut holes = Vec::new();
    for (first, after) in stretches(&missing) {
        let side = |index: Option<usize>| index.and_then(|i| rates.windows.get(i)).map(|window| window.rate);
        let before = side(first.checked_sub(1));
        let behind = side(Some(after));
        for index in first..after {
            let rate = between(before, behind, index - first, after - first);
            if let Some(window) = rates.windows.get_mut(index) {
                window.rate = rate;
            }
        }
        holes.extend(hole(&rates, first, after));
    }
    (rates, holes)
}

fn hole(rates: &Rates, first: usize, after: usize) -> Option<Hole> {
    let from_s = rates.windows.get(first)?.t_s;
    let to_s = rates.windows.get(after.checked_sub(1)?)?.t_s + rates.width_s;
    Some(Hole { from_s, to_s })
}

/// Fills the windows in which no client at all was seen: each client's rate on a straight line.
pub fn fill_clients(mut clients: Clients) -> (Clients, Vec<Hole>) {
    let width_s = clients.width_s;
    let missing: Vec<bool> = clients.rates().iter().map(|rate| *rate <= 0.0).collect();
    let mut holes = Vec::new();
    for (first, after) in stretches(&missing) {
        for client in &mut clients.clients {
            fill_client(client, first, after, width_s);
        }
        holes.push(Hole {
            from_s: first as f64 * width_s,
            to_s: after as f64 * width_s,
        });
    }
    (clients, holes)
}

fn fill_client(client: &mut Client, first: usize, after: usize, width_s: f64) {
    let at = |index: usize| {
        let found = client
            .windows
            .iter()
            .position(|w| (w.t_s / width_s) as usize == index)?;
        client.windows.get(found).copied()
    };
    let (before, behind) = (first.checked_sub(1).and_then(at), at(after));
    // Whoever sent on neither side was not there.
    let Some(known) = before.or(behind) else {
        return;
    };
    let place = client
        .windows
        .partition_point(|window| window.t_s < first as f64 * width_s);
    let rate = |window: Option<ClientWindow>| Some(window.map_or(0.0, |window| window.rate));
    let filled: Vec<ClientWindow> = (first..after)
        .map(|index| ClientWindow {
            t_s: index as f64 * width_s,
            rate: between(rate(before), rate(behind), index - first, after - first),
            law: known.law,
        })
        .collect();
    client.windows.splice(place..place, filled);
}

/// First index and index after the last of each run of `true`.
fn stretches(missing: &[bool]) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for index in missing
        .iter()
        .enumerate()
        .filter_map(|(index, missing)| missing.then_some(index))
    {
        match found.last_mut() {
            Some((_, after)) if *after == index => *after += 1,
            _ => found.push((index, index + 1)),
        }
    }
    found
}

/// The value of place `index` of `count` on the line between what stands before and behind them.
fn between(before: Option<f64>, behind: Option<f64>, index: usize, count: usize) -> f64 {
    match (before, behind) {
        (Some(a), Some(b)) => a + (b - a) * (index + 1) as f64 / (count + 1) as f64,
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::clients::Law;
    use crate::trace::rates::Window;

    #[test]
    fn a_hole_lies_on_the_line_between_its_sides_and_at_the_ends_on_the_one_side() {
        let rate = [None, Some(2.0), None, None, Some(8.0), None];
        let windows = rate.iter().enumerate().map(|(i, rate)| Window {
            t_s: i as f64 * 10.0,
            rate: rate.unwrap_or(0.0),
            hole: rate.is_none(),
        });
        let (filled, holes) = fill_rates(Rates {
            width_s: 10.0,
            windows: windows.collect(),
        });
        let rates: Vec<f64> = filled.windows.iter().map(|w| w.rate).collect();
        assert_eq!(rates, [2.0, 2.0, 4.0, 6.0, 8.0, 8.0]);
        let ends: Vec<(f64, f64)> = holes.iter().map(|h| (h.from_s, h.to_s)).collect();
        assert_eq!(ends, [(0.0, 10.0), (20.0, 40.0), (50.0, 60.0)]);
    }

    #[test]
    fn only_windows_without_any_client_are_holes() {
        let window = |t_s: f64, rate| ClientWindow {
            t_s,
            rate,
            law: Law::Gamma(0.5),
        };
        let client = |name: &str, windows: &[(f64, f64)]| Client {
            name: name.into(),
            windows: windows.iter().map(|(t, r)| window(*t, *r)).collect(),
        };
        let (filled, holes) = fill_clients(Clients {
            width_s: 10.0,
            clients: vec![
                client("a", &[(0.0, 4.0), (20.0, 2.0), (40.0, 1.0)]),
                client("b", &[(10.0, 1.0)]),
            ],
        });
        assert_eq!(
            holes,
            [Hole {
                from_s: 30.0,
                to_s: 40.0
            }]
        );
        assert_eq!(filled.clients[0].windows[2], window(30.0, 1.5));
        assert_eq!(filled.clients[1].windows.len(), 1);
    }
}
