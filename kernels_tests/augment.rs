//! Changes to images that cannot be.

use emotone::ops::{self, Change};

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
        (Change::Warp { tempo: 1.0, zoom: 0.0, level: 0.0 }, 1.0),
        (Change::Warp { tempo: 0.0, zoom: 1.0, level: 0.0 }, 1.0),
        (Change::Warp { tempo: 0.0, zoom: 0.0, level: f32::NAN }, 1.0),
        (Change::SaltPepper { share: -0.1, pepper: 0.0, low: 0.0, high: 1.0 }, 1.0),
        (Change::SpecAugment { columns: (1, 9), rows: (0, 0), fill: 0.0 }, 1.0),
    ] {
        assert!(ops::augment(&mut g, x, rng, change, prob, 1).is_err(), "{change:?} {prob}");
    }
    assert!(ops::augment(&mut g, x, x, whole, 1.0, 1).is_err(), "a counter of another shape");
}
