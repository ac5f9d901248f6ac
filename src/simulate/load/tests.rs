//! Every kind of trace as it is played: rates, burstiness, order, holes, and what a seed decides.

use std::path::Path;

use rstest::rstest;

use super::*;
use crate::config::tempdir::Folder;
use crate::trace::clients::{Client, ClientWindow, Law};
use crate::trace::rates::Window;

const PART: Part = Part {
    history_s: 3600.0,
    start_s: 3600.0,
    duration_s: 7200.0,
};

fn load(source: Source, tokens: Tokens, factor: f64) -> Load {
    Load {
        name: "chat".into(),
        source,
        tokens,
        factor,
        part: PART,
        holes: Vec::new(),
        facts: Facts::default(),
    }
}

/// Three hours at 5, 20 and 10 requests a second.
fn rates(bursts: Option<Bursts>) -> Source {
    let windows = [5.0, 20.0, 10.0].iter().enumerate().map(|(hour, rate)| Window {
        t_s: 3600.0 * hour as f64,
        rate: *rate,
        hole: false,
    });
    let rates = Arc::new(Rates {
        width_s: 3600.0,
        windows: windows.collect(),
    });
    Source::Rates { rates, bursts }
}

/// A bursty and a regular client over the same three hours.
fn clients() -> Source {
    let client = |name: &str, law, rates: [f64; 3]| Client {
        name: name.into(),
        windows: rates
            .iter()
            .enumerate()
            .map(|(hour, rate)| ClientWindow {
                t_s: 3600.0 * hour as f64,
                rate: *rate,
                law,
            })
            .collect(),
    };
    Source::Clients(Arc::new(Clients {
        width_s: 3600.0,
        clients: vec![
            client("a", Law::Gamma(0.2), [4.0, 15.0, 6.0]),
            client("b", Law::Weibull(2.0), [1.0, 5.0, 4.0]),
        ],
    }))
}

/// A request a second for three hours, each with its own number of prompt tokens.
fn requests(folder: &Folder) -> Source {
    let rows: String = (0..10_800).map(|s| format!("{s},{},7\n", s + 1)).collect();
    let file = folder.write("t.csv", &format!("arrival_s,input_tokens,output_tokens\n{rows}"));
    Source::Requests { file, jitter_s: 0.0 }
}

fn played(load: &Load, seed: u64) -> Vec<Arrival> {
    load.arrivals(seed).unwrap().collect()
}

fn per_second(arrivals: &[Arrival], from_s: f64, to_s: f64) -> f64 {
    let inside = |a: &&Arrival| (from_s..to_s).contains(&a.at.as_secs());
    arrivals.iter().filter(inside).count() as f64 / (to_s - from_s)
}

/// Variance of the counts of 15 s over their mean: 1 for a Poisson process.
fn dispersion(arrivals: &[Arrival], to_s: f64) -> f64 {
    let mut counts = vec![0.0; (to_s / 15.0) as usize];
    for arrival in arrivals.iter().filter(|a| a.at.as_secs() < to_s) {
        counts[(arrival.at.as_secs() / 15.0) as usize] += 1.0;
    }
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / counts.len() as f64 / mean
}

#[rstest]
#[case::rates(load(rates(None), Tokens::Fixed(500, 200), 1.5), [30.0, 15.0])]
#[case::clients(load(clients(), Tokens::Fixed(500, 200), 1.5), [30.0, 15.0])]
fn the_rates_of_the_windows_come_out_rescaled(#[case] load: Load, #[case] expected: [f64; 2]) {
    let arrivals = played(&load, 1);
    for (hour, expected) in expected.into_iter().enumerate() {
        let got = per_second(&arrivals, 3600.0 * hour as f64, 3600.0 * (hour + 1) as f64);
        assert!((got / expected - 1.0).abs() < 0.04, "hour {hour}: {got} for {expected}");
    }
    assert!(arrivals.is_sorted_by_key(|a| a.at));
    assert!(
        arrivals
            .iter()
            .all(|a| a.prompt_tokens == 500 && a.at.as_secs() < PART.duration_s)
    );
}

#[test]
fn a_rate_without_bursts_is_a_poisson_process_and_with_them_it_is_not() {
    let smooth = dispersion(&played(&load(rates(None), Tokens::Fixed(1, 1), 1.0), 1), 3600.0);
    assert!((0.7..1.4).contains(&smooth), "{smooth}");
    let bursts = Bursts {
        shape: 4.0,
        correlation_s: 30.0,
        seed: Some(9),
    };
    // A gamma law of shape 4 on a mean of 300 adds 300 / 4.
    let bursty = dispersion(&played(&load(rates(Some(bursts)), Tokens::Fixed(1, 1), 1.0), 1), 3600.0);
    assert!((45.0..130.0).contains(&bursty), "{bursty}");
}

#[test]
fn bursts_with_a_seed_of_their_own_are_the_same_day_for_every_seed_of_the_run() {
    let bursts = |seed| Bursts {
        shape: 1.0,
        correlation_s: 600.0,
        seed,
    };
    let rate = |seed, run| {
        per_second(
            &played(&load(rates(Some(bursts(seed))), Tokens::Fixed(1, 1), 1.0), run),
            0.0,
            600.0,
        )
    };
    assert!((rate(Some(3), 1) / rate(Some(3), 2) - 1.0).abs() < 0.1);
    assert!((rate(None, 1) / rate(None, 2) - 1.0).abs() > 0.1);
}

#[test]
fn clients_keep_their_burstiness_when_they_are_rescaled() {
    // Gamma gaps of shape 0.2 have counts of variance 5; three quarters of the traffic is the bursty client's.
    for factor in [0.5, 2.0] {
        let dispersion = dispersion(&played(&load(clients(), Tokens::Fixed(1, 1), factor), 1), 3600.0);
        assert!((2.5..6.0).contains(&dispersion), "{factor}: {dispersion}");
    }
}

#[test]
fn requests_are_those_of_the_file_when_nothing_is_changed() {
    let folder = Folder::new();
    let arrivals = played(&load(requests(&folder), Tokens::Recorded, 1.0), 1);
    assert_eq!(arrivals.len(), 7200);
    assert_eq!(
        (
            arrivals[0].at.as_secs(),
            arrivals[0].prompt_tokens,
            arrivals[0].output_tokens
        ),
        (0.0, 3601, 7)
    );
    assert_eq!(arrivals[7199].prompt_tokens, 10_800);
}

#[rstest]
#[case(0.25)]
#[case(2.5)]
fn requests_are_thinned_or_multiplied_in_order(#[case] factor: f64) {
    let folder = Folder::new();
    let arrivals = played(&load(requests(&folder), Tokens::Recorded, factor), 1);
    let rate = per_second(&arrivals, 0.0, 7200.0);
    assert!((rate / factor - 1.0).abs() < 0.08, "{rate}");
    assert!(arrivals.is_sorted_by_key(|a| a.at));
    for arrival in &arrivals {
        let recorded_s = f64::from(arrival.prompt_tokens) - 1.0 - PART.start_s;
        assert!((arrival.at.as_secs() - recorded_s).abs() <= 7.5);
    }
}

#[test]
fn ticks_are_spread_by_jitter() {
    let folder = Folder::new();
    let rows: String = (0..10_800).step_by(3).map(|s| format!("{s},1,1\n").repeat(3)).collect();
    let file = folder.write("t.csv", &format!("arrival_s,input_tokens,output_tokens\n{rows}"));
    let arrivals = played(
        &load(Source::Requests { file, jitter_s: 3.0 }, Tokens::Recorded, 1.0),
        1,
    );
    let on_ticks = arrivals.iter().filter(|a| a.at.as_secs() % 3.0 < 0.01).count();
    assert!(
        arrivals.len() > 7190 && on_ticks < 100,
        "{on_ticks} of {}",
        arrivals.len()
    );
    assert!(arrivals.is_sorted_by_key(|a| a.at));
}

#[test]
fn history_is_the_hour_before_in_buckets_and_holes_have_no_coverage() {
    let folder = Folder::new();
    let mut load = load(requests(&folder), Tokens::Recorded, 1.0);
    load.holes = vec![Hole {
        from_s: 3500.0,
        to_s: 3700.0,
    }];
    let history = load.history(1, 15.0).unwrap();
    assert_eq!(history.len(), 240);
    assert_eq!(history[0].rate, 1.0);
    assert_eq!((history[0].prompt_tokens, history[0].output_tokens), (8.0, 7.0));
    assert_eq!(
        (history[232].coverage, history[233].coverage, history[239].coverage),
        (1.0, 0.0, 0.0)
    );
    assert_eq!(load.blind(), [(Moment::START, Moment::from_secs(100.0))]);
}

#[rstest]
#[case::rates(load(rates(None), Tokens::Drawn([(10, 1), (20, 2)].into()), 1.0))]
#[case::clients(load(clients(), Tokens::Drawn([(10, 1), (20, 2)].into()), 1.0))]
fn a_seed_plays_the_same_twice_and_another_differently(#[case] load: Load) {
    assert_eq!(played(&load, 1), played(&load, 1));
    assert_ne!(played(&load, 1), played(&load, 2));
    let arrivals = played(&load, 1);
    assert!(
        arrivals.iter().all(|a| a.prompt_tokens == 10 * a.output_tokens),
        "lengths stay together"
    );
}

#[test]
fn facts_are_the_mean_of_what_is_played() {
    let Source::Rates { rates, .. } = rates(None) else {
        unreachable!()
    };
    let facts = Facts::of_rates(&rates, &Tokens::Fixed(500, 200), PART);
    assert_eq!((facts.rate, facts.first_rate, facts.prompt_tokens), (15.0, 20.0, 500.0));
    let Source::Clients(clients) = clients() else {
        unreachable!()
    };
    assert_eq!(Facts::of_clients(&clients, &Tokens::Fixed(1, 1), PART).rate, 15.0);
}

/// The folder with the collected traces; tests that need it pass with a word when it is not there.
fn collected() -> Option<std::path::PathBuf> {
    let folder = std::env::var("INFERSCALE_DATA").unwrap_or_else(|_| "../shared/data".into());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("traces");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no traces in {}: set INFERSCALE_DATA", folder.display());
    None
}

#[test]
fn every_collected_trace_is_read() {
    let Some(folder) = collected() else {
        return;
    };
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let table = crate::trace::Table::open(&path).unwrap();
        if crate::trace::quantiles::Quantiles::fits(&table) {
            let quantiles = crate::trace::quantiles::Quantiles::of(table).unwrap();
            let (prompt, output) = Tokens::Spreads(Arc::new(Spreads::new(quantiles, &[]).unwrap())).mean(None, 0.0);
            assert!(prompt > 10.0 && output > 1.0, "{}", path.display());
        } else {
            match crate::trace::Kind::of(&table).unwrap() {
                crate::trace::Kind::Requests => assert!(last_arrival_s(&path).unwrap() > 500.0),
                crate::trace::Kind::Rate => assert!(!fill_rates(Rates::of(table).unwrap()).0.windows.is_empty()),
                crate::trace::Kind::Clients => assert!(!fill_clients(Clients::of(table).unwrap()).0.clients.is_empty()),
            }
        }
        read += 1;
    }
    assert!(read >= 20, "{read}");
}
