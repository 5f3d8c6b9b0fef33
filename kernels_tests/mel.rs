//! Cases of `mel.wgsl` and `decibel.wgsl`.

use crate::case::{awkward, check, given, tol};
use crate::stft::counts;
use emotone::ops::{self, Bands, DecibelScale};
use emotone::reference::{self, noise};

#[test]
fn mel() {
    let weights = noise(2, 100);
    let filters = vec![(0, weights[..1].to_vec()), (2, vec![]), (5, weights[..32].to_vec()), (36, weights[40..41].to_vec())];
    for frames in awkward(64) {
        let bank = Bands { bins: 37, filters: filters.clone() };
        let x: Vec<f64> = noise(3, 2 * 37 * frames);
        check(
            &format!("mel of {frames} frames"),
            tol::SUM,
            &[given([2, 37, frames], &x)],
            |g, x| Ok(vec![ops::mel(g, x[0], &bank)?]),
            |x| vec![reference::mel::forward((2, 37, frames), &filters, &x[0])],
            |_, _| vec![None],
        );
    }
}

#[test]
fn decibel() {
    for frames in awkward(32) {
        for (squared, relative, range) in [(false, true, 80.0f32), (true, true, 80.0), (false, false, 20.0)] {
            let valid = [frames, frames.div_ceil(2), 0, frames];
            let mut x: Vec<f64> = noise(4, 4 * 5 * frames).iter().map(|v| v.exp() * v.abs().powi(9)).collect();
            // Garbage behind the clip's frames and one silent clip.
            for (b, m) in (0..4).flat_map(|b| (0..5).map(move |m| (b, m))) {
                x[(b * 5 + m) * frames + valid[b]..(b * 5 + m + 1) * frames].fill(1e20);
            }
            x[3 * 5 * frames..].fill(0.0);
            let lengths = counts(&valid.map(|v| if v == 0 { 0 } else { (v - 1) * 160 + 7 }));
            check(
                &format!("decibel of {frames} frames, squared {squared}, relative {relative}"),
                tol::FUNCTION,
                &[given([4, 5, frames], &x), lengths],
                |g, x| Ok(vec![ops::decibel(g, x[0], x[1], DecibelScale { hop: 160, squared, relative, range })?]),
                |x| {
                    let scale = reference::decibel::Scale { squared, relative, range: f64::from(range) };
                    vec![reference::decibel::forward((5, frames), &valid, &scale, &x[0])]
                },
                |_, _| vec![None, None],
            );
        }
    }
}
