//! What is known before anything was seen: a fit over the training traces for a lead time of two minutes.

use super::features::FEATURES;
use super::heads::HEADS;

/// Spread of each feature over the traces that the weights were fitted on: one step of learning moves all alike.
pub(super) const SCALE: [f64; FEATURES] = [
    1.0, 0.358, 0.536, 0.659, 0.508, 0.0916, 0.0358, 0.778, 0.44, 0.367, 0.21, 0.262, 0.976, 0.964,
];
/// Weights in thousandths, by guess.
pub(super) const WEIGHTS: [[i16; FEATURES]; HEADS] = [
    [-58, -162, 155, 34, 113, 13, 57, 1, 186, 15, 64, -3, -12, 80],
    [-22, -135, 72, 56, 120, 21, 78, 63, 257, 11, 75, -3, -12, 96],
    [13, -125, 30, 60, 117, 23, 93, 128, 318, 10, 80, -5, -18, 121],
    [36, -121, -5, 79, 97, 31, 102, 170, 365, 18, 95, -7, -21, 147],
    [64, -101, -31, 88, 90, 19, 107, 201, 410, 23, 125, -15, -9, 150],
    [101, -112, -45, 108, 142, 28, 113, 220, 392, 34, 133, -19, 8, 149],
    [169, -171, -22, 111, 223, 43, 109, 181, 355, 38, 124, -38, 48, 172],
    [280, -181, -40, 153, 315, 46, 107, 86, 346, 20, 135, -47, 47, 209],
    [356, -79, -84, 216, 272, 32, 107, -10, 294, 22, 239, -44, 6, 262],
    [549, 2, -206, 393, 317, 0, 109, -152, 248, 50, 239, -9, -64, 293],
    [723, 331, -318, 358, 855, 88, 312, -111, -207, -23, 212, -11, -23, 184],
];
/// Share of the requests that each guess misses, first come first served.
pub(super) const MISSED: [f64; HEADS] = [
    0.433, 0.254, 0.149, 0.0865, 0.0432, 0.0245, 0.0152, 0.0079, 0.0054, 0.0038, 0.0014,
];
/// Capacity that each guess buys over the demand.
pub(super) const COST: [f64; HEADS] = [0.94, 0.98, 1.01, 1.04, 1.07, 1.11, 1.18, 1.32, 1.43, 1.73, 2.06];
