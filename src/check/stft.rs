//! Short-time Fourier transforms of clips of different length.

use super::{Case, clips, tol};
use crate::kernels::Target;
use crate::ops::{self, Framing, Padding, Window};
use crate::reference::{pre_emphasis, stft as reference};

/// A Hamming window of `win_length` in frames of `n_fft`.
pub fn framing(n_fft: usize, win_length: usize, hop: usize) -> Framing {
    Framing { window: Window::Hamming, win_length, hop, n_fft, padding: Padding::Reflect, pre_emphasis: 0.0 }
}

/// What the reference makes of clips, pre-emphasis included.
fn transform(samples: usize, f: &Framing, lengths: &[usize], x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let geometry = reference::Geometry { samples, n_fft: f.n_fft, hop: f.hop, reflect: f.padding == Padding::Reflect };
    let x = pre_emphasis::forward(samples, lengths, f64::from(f.pre_emphasis), x);
    reference::forward(&geometry, lengths, &f.window.samples(f.win_length), &x)
}

fn complex(f: Framing, samples: usize, lengths: &'static [usize]) -> Case {
    let name = format!("{f:?} of {lengths:?}");
    Case::new("stft", name, clips(samples, lengths), move |g, x| ops::stft(g, x[0], x[1], &f))
        .forward(move |x| transform(samples, &f, lengths, &x[0]))
        .tolerance(tol::FUNCTION)
}

fn power(n_fft: usize, exponent: f32, pre_emphasis: f32) -> Case {
    let (samples, lengths) = (3000, [3000, 161, 0]);
    let f = Framing { pre_emphasis, ..framing(n_fft, 400, 160) };
    let name = format!("{n_fft} points to the power of {exponent}, pre-emphasis {pre_emphasis}");
    Case::new("spectrogram", name, clips(samples, &lengths), move |g, x| ops::spectrogram(g, x[0], x[1], &f, exponent))
        .forward(move |x| -> Vec<f64> {
            let (re, im) = transform(samples, &f, &lengths, &x[0]);
            re.iter().zip(im).map(|(c, s)| (c * c + s * s).powf(f64::from(exponent) / 2.0)).collect()
        })
        .tolerance(tol::FUNCTION)
}

/// The cases.
pub fn cases(_: &Target) -> Vec<Case> {
    let sizes: [(Framing, usize, &[usize]); 14] = [
        (framing(16, 16, 4), 40, &[40, 1, 0, 17]),
        (framing(32, 31, 10), 45, &[45]),
        (framing(64, 1, 64), 200, &[200, 63, 64]),
        (framing(128, 100, 50), 333, &[10, 333]),
        (framing(256, 200, 100), 1999, &[1999]),
        (framing(512, 400, 160), 1600, &[801, 1600]),
        (framing(1024, 1023, 512), 2000, &[2000, 600]),
        (framing(2048, 882, 441), 2205, &[2205]),
        (framing(4096, 3200, 1600), 4000, &[4000, 1599]),
        // No powers of two.
        (framing(18, 18, 5), 40, &[40, 1, 0, 17]),
        (framing(50, 31, 10), 45, &[45, 9]),
        (framing(400, 400, 160), 1600, &[801, 1600, 0]),
        (framing(1000, 999, 500), 2000, &[2000, 600]),
        (framing(3200, 3200, 1600), 4000, &[4000, 1599]),
    ];
    let mut all = Vec::new();
    for (f, samples, lengths) in sizes {
        for (padding, window) in [(Padding::Reflect, Window::Hamming), (Padding::Constant, Window::Hann)] {
            all.push(complex(Framing { padding, window, ..f }, samples, lengths));
        }
    }
    for n_fft in [512, 400] {
        all.extend([(1.0, 0.0), (2.0, 0.0), (2.0, 0.97)].map(|(exponent, pre_emphasis)| power(n_fft, exponent, pre_emphasis)));
    }
    all
}
