//! Cases of `augment.wgsl`: entry points random_cut, cutout, salt_pepper, spec_augment.

use crate::case::{check, given, tol};
use crate::stft::counts;
use emotone::augment::rng::counter;
use emotone::ops::{self, Change};
use emotone::reference::{augment as reference, noise};

fn case(extents: [usize; 4], change: Change, prob: f32) {
    // Below 2^30, so that the bits pass through the harness's floats unchanged.
    let rng = counter(0x0123_4567_0ABC_DEF0, 41);
    let x = given(extents, &noise(1, extents.iter().product()));
    check(
        &format!("{change:?} of {extents:?}, prob {prob}"),
        tol::SUM,
        &[x, counts(&rng.map(|v| v as usize))],
        |g, x| Ok(vec![ops::augment(g, x[0], x[1], change, prob, 3)?]),
        |x| vec![reference::forward(extents, &change, prob, 3, rng, &x[0])],
        |_, _| vec![None, None],
    );
}

const EXTENTS: [[usize; 4]; 4] = [[1, 1, 1, 1], [6, 1, 32, 32], [3, 3, 17, 33], [2, 2, 7, 300]];

#[test]
fn random_cut() {
    for extents in EXTENTS {
        for (least, prob) in [(0.75, 1.0), (0.1, 0.5), (1.0, 1.0)] {
            case(extents, Change::RandomCut { least, zoom: 0.0, shift: 0.0 }, prob);
            case(extents, Change::RandomCut { least, zoom: 0.3, shift: 0.1 }, prob);
        }
    }
}

#[test]
fn cutout() {
    for [b, c, h, w] in EXTENTS {
        for (count, size) in [(3, (h / 3, w / 5)), (16, (1, 1)), (1, (h, w)), (0, (1, 1))] {
            case([b, c, h, w], Change::Cutout { count, size, fill: -0.25 }, 0.7);
        }
    }
}

#[test]
fn salt_pepper() {
    for extents in EXTENTS {
        for (share, pepper) in [(0.065, 0.0), (0.5, 0.5), (1.0, 1.0)] {
            case(extents, Change::SaltPepper { share, pepper, low: -3.0, high: 4.0 }, 0.7);
        }
    }
}

#[test]
fn spec_augment() {
    for [b, c, h, w] in EXTENTS {
        for (columns, rows) in [((2, w / 3), (1, h / 2)), ((16, w), (0, 0)), ((0, 0), (16, h / 4))] {
            case([b, c, h, w], Change::SpecAugment { columns, rows, fill: 9.0 }, 0.9);
        }
    }
}

#[test]
fn impossible_changes_are_refused() {
    let mut g = emotone::graph::Graph::new();
    let (x, rng) = (g.input("x", [2, 1, 8, 8]), g.input("rng", [4]));
    let whole = Change::RandomCut { least: 0.5, zoom: 0.0, shift: 0.0 };
    for (change, prob) in [
        (whole, 1.5),
        (whole, f32::NAN),
        (Change::RandomCut { least: 0.0, zoom: 0.0, shift: 0.0 }, 1.0),
        (Change::RandomCut { least: 0.5, zoom: 1.0, shift: 0.0 }, 1.0),
        (Change::Cutout { count: 17, size: (1, 1), fill: 0.0 }, 1.0),
        (Change::Cutout { count: 1, size: (9, 1), fill: 0.0 }, 1.0),
        (Change::SaltPepper { share: -0.1, pepper: 0.0, low: 0.0, high: 1.0 }, 1.0),
        (Change::SpecAugment { columns: (1, 9), rows: (0, 0), fill: 0.0 }, 1.0),
    ] {
        assert!(ops::augment(&mut g, x, rng, change, prob, 1).is_err(), "{change:?} {prob}");
    }
    assert!(ops::augment(&mut g, x, x, whole, 1.0, 1).is_err(), "a counter of another shape");
}
