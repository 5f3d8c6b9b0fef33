//! Cases of `stft.wgsl` and `pre_emphasis.wgsl`: entry points stft_pad, stft_complex, stft_power, pre_emphasis.

use crate::case::{In, check, given, tol};
use emotone::graph::Shape;
use emotone::ops::{self, Framing, Padding, Window};
use emotone::reference::{self, noise};

/// Clips of these lengths in (B, samples), with garbage behind each, and the lengths.
pub fn clips(samples: usize, lengths: &[usize]) -> [In; 2] {
    let mut x: Vec<f64> = noise(5, samples * lengths.len()).iter().map(|v| 0.1 * v).collect();
    for (b, &n) in lengths.iter().enumerate() {
        x[b * samples + n..(b + 1) * samples].fill(1e30);
    }
    [given([lengths.len(), samples], &x), counts(lengths)]
}

/// Unsigned integers as an input: the harness writes floats, so their bits.
pub fn counts(values: &[usize]) -> In {
    let bits: Vec<f64> = values.iter().map(|&v| f64::from(f32::from_bits(v as u32))).collect();
    In { shape: Shape::from([values.len()]), values: bits, diff: false }
}

#[test]
fn pre_emphasis() {
    for (samples, lengths) in [(1, vec![1, 0]), (127, vec![127]), (129, vec![129, 3, 128]), (700, vec![0, 700, 1])] {
        check(
            &format!("pre_emphasis of {lengths:?}"),
            tol::EXACT,
            &clips(samples, &lengths),
            |g, x| Ok(vec![ops::pre_emphasis(g, x[0], x[1], 0.97)?]),
            |x| vec![reference::pre_emphasis::forward(samples, &lengths, 0.97, &x[0])],
            |_, _| vec![None, None],
        );
    }
}

fn framing(n_fft: usize, win_length: usize, hop: usize) -> Framing {
    Framing { window: Window::Hamming, win_length, hop, n_fft, padding: Padding::Reflect, pre_emphasis: 0.0 }
}

#[test]
fn stft_complex() {
    let cases = [
        (framing(16, 16, 4), 40, vec![40, 1, 0, 17]),
        (framing(32, 31, 10), 45, vec![45]),
        (framing(64, 1, 64), 200, vec![200, 63, 64]),
        (framing(128, 100, 50), 333, vec![10, 333]),
        (framing(256, 200, 100), 1999, vec![1999]),
        (framing(512, 400, 160), 1600, vec![801, 1600]),
        (framing(1024, 1023, 512), 2000, vec![2000, 600]),
        (framing(2048, 882, 441), 2205, vec![2205]),
        (framing(4096, 3200, 1600), 4000, vec![4000, 1599]),
    ];
    for (f, samples, lengths) in cases {
        for (padding, window) in [(Padding::Reflect, Window::Hamming), (Padding::Constant, Window::Hann)] {
            let f = Framing { padding, window, ..f };
            check(
                &format!("stft {f:?} of {lengths:?}"),
                tol::FUNCTION,
                &clips(samples, &lengths),
                |g, x| ops::stft(g, x[0], x[1], &f).map(|(re, im)| vec![re, im]),
                |x| {
                    let (re, im) = reference::stft::forward(&geometry(samples, &f), &lengths, &window.samples(f.win_length), &x[0]);
                    vec![re, im]
                },
                |_, _| vec![None, None],
            );
        }
    }
}

fn geometry(samples: usize, f: &Framing) -> reference::stft::Geometry {
    reference::stft::Geometry { samples, n_fft: f.n_fft, hop: f.hop, reflect: f.padding == Padding::Reflect }
}

#[test]
fn stft_power() {
    for (exponent, pre_emphasis) in [(1.0, 0.0), (2.0, 0.0), (2.0, 0.97)] {
        let (samples, lengths) = (3000, [3000, 161, 0]);
        let f = Framing { pre_emphasis, ..framing(512, 400, 160) };
        check(
            &format!("spectrogram to the power of {exponent}, pre-emphasis {pre_emphasis}"),
            tol::FUNCTION,
            &clips(samples, &lengths),
            |g, x| Ok(vec![ops::spectrogram(g, x[0], x[1], &f, exponent)?]),
            |x| {
                let (re, im) = {
                    let x = reference::pre_emphasis::forward(samples, &lengths, f64::from(pre_emphasis), &x[0]);
                    reference::stft::forward(&geometry(samples, &f), &lengths, &f.window.samples(f.win_length), &x)
                };
                vec![re.iter().zip(im).map(|(c, s)| (c * c + s * s).powf(f64::from(exponent) / 2.0)).collect()]
            },
            |_, _| vec![None, None],
        );
    }
}

#[test]
fn wrong_framings_are_refused() {
    let mut g = emotone::graph::Graph::new();
    let (x, n) = (g.input("x", [2, 100]), g.input("n", [2]));
    for f in [framing(500, 400, 160), framing(8192, 400, 160), framing(512, 513, 160), framing(512, 0, 1), framing(512, 400, 0)] {
        assert!(ops::stft(&mut g, x, n, &f).is_err(), "{f:?}");
    }
    assert!(ops::stft(&mut g, x, x, &framing(512, 400, 160)).is_err(), "lengths of another shape");
}
