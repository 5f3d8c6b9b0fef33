//! Framings that are refused.

use emotone::check::stft::framing;
use emotone::ops;

#[test]
fn wrong_framings_are_refused() {
    let mut g = emotone::graph::Graph::new();
    let (x, n) = (g.input("x", [2, 100]), g.input("n", [2]));
    for f in [
        framing(514, 400, 160),
        framing(401, 400, 160),
        framing(8192, 400, 160),
        framing(512, 513, 160),
        framing(512, 0, 1),
        framing(512, 400, 0),
    ] {
        assert!(ops::stft(&mut g, x, n, &f).is_err(), "{f:?}");
    }
    assert!(ops::stft(&mut g, x, x, &framing(512, 400, 160)).is_err(), "lengths of another shape");
}
