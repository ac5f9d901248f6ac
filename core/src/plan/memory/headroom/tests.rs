//! What the headroom does with a load, from its first minute on.

use super::*;

const GRID: Span = Span::from_secs(15);

fn fed(headroom: &mut Headroom, from: i64, rates: impl IntoIterator<Item = f64>) {
    for (i, rate) in rates.into_iter().enumerate() {
        headroom.absorb(Seen {
            start: Time::from_millis(0) + GRID * (from + i as i64),
            grid: GRID,
            rate,
            lead: 9,
            hold: 8,
            capacity: Some(2.0),
            patience: Span::from_secs(2),
            attainment: Ratio::clamped(0.99),
        });
    }
}

fn factor(headroom: &Headroom, level: f64) -> f64 {
    headroom.expected().unwrap() / level
}

#[test]
fn is_sensible_before_anything_was_learned() {
    let mut headroom = Headroom::default();
    fed(&mut headroom, 0, [10.0; 10]);
    assert!(
        (1.1..1.8).contains(&factor(&headroom, 10.0)),
        "{}",
        factor(&headroom, 10.0)
    );
}

#[test]
fn shrinks_for_a_calm_object_and_grows_for_a_bursty_one() {
    let (mut calm, mut bursty) = (Headroom::default(), Headroom::default());
    fed(&mut calm, 0, std::iter::repeat_n(10.0, 5760));
    fed(&mut bursty, 0, (0..5760).map(|i| if i % 25 == 0 { 24.0 } else { 9.4 }));
    let highest = bursty.held(40).unwrap() / 10.0;
    assert!(factor(&calm, 10.0) < 1.25, "{}", factor(&calm, 10.0));
    assert!(highest > 1.8, "{highest}");
}

#[test]
fn real_misses_raise_it_and_their_absence_lowers_it_slowly() {
    let mut missing = Headroom::default();
    fed(&mut missing, 0, [10.0; 100]);
    let mut met = missing.clone();
    for _ in 0..200 {
        missing.correct(2.0, 10.0, Ratio::clamped(0.99), GRID);
        met.correct(0.0, 10.0, Ratio::clamped(0.99), GRID);
    }
    assert!(
        met.correction > FIRST_CORRECTION as f32 && met.correction < 1.0,
        "{}",
        met.correction
    );
    fed(&mut missing, 100, [10.0; 1]);
    fed(&mut met, 100, [10.0; 1]);
    assert!(missing.expected() > met.expected());
}

#[test]
fn an_expectation_is_held() {
    let mut headroom = Headroom::default();
    fed(&mut headroom, 0, [10.0; 50]);
    fed(&mut headroom, 50, [30.0; 2]);
    let high = headroom.expected().unwrap();
    fed(&mut headroom, 52, [10.0; 7]);
    assert!(headroom.held(8).unwrap() >= high);
    fed(&mut headroom, 59, [10.0; 10]);
    assert!(headroom.held(8).unwrap() < high);
}

#[test]
fn a_steep_ramp_is_not_drawn_out_for_ever() {
    let mut headroom = Headroom::default();
    fed(&mut headroom, 0, [6.0; 100]);
    for i in 0..20 {
        fed(&mut headroom, 100 + i, [30.0]);
        assert!(headroom.expected().unwrap() <= 55.0, "{i}: {:?}", headroom.expected());
    }
}

#[test]
fn a_spike_in_the_first_hour_is_forgotten_within_hours() {
    let mut headroom = Headroom::default();
    fed(&mut headroom, 0, [10.0; 120]);
    fed(&mut headroom, 120, [40.0; 20]);
    fed(&mut headroom, 140, [10.0; 240]);
    let after_an_hour = factor(&headroom, 10.0);
    fed(&mut headroom, 380, [10.0; 720]);
    let after_four = factor(&headroom, 10.0);
    assert!(after_an_hour < 1.8 && after_four < 1.8, "{after_an_hour} {after_four}");
}

#[test]
fn is_small_at_any_lead_time() {
    let mut headroom = Headroom::default();
    for i in 0..300 {
        headroom.absorb(Seen {
            start: Time::from_millis(0) + GRID * i,
            grid: GRID,
            rate: 10.0,
            lead: 200,
            hold: 200,
            capacity: Some(2.0),
            patience: Span::from_secs(2),
            attainment: Ratio::clamped(0.99),
        });
    }
    let bytes = size_of::<Headroom>() + headroom.heap_bytes();
    assert!(bytes < 5800, "{bytes}");
}
