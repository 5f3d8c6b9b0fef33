//! Noise taken out of recordings before anything else sees them, on the host: each frame's estimate of the noise follows from the frames
//! before it.

use crate::{Error, Result};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f64::consts::TAU;
use std::sync::Arc;

/// Full scale of 16-bit samples, in whose units the published filter works.
const FULL_SCALE: f64 = 32768.0;
/// Leading frames that are taken for noise.
const LEAD: usize = 5;
/// Least power that stays, as a share of the noise's.
const FLOOR: f64 = 0.002;

/// Power spectral subtraction (Berouti, Schwartz & Makhoul 1979) as released with Res-Trans, with Hamming windows of 20 ms that overlap by
/// half. The magnitudes μ of the noise are at first the mean of the first five frames, whatever they hold. From a frame of magnitudes m
/// and `SNR = 10 log10(Σm²/Σμ²)` dB the powers `max(m² − a·μ², 0.002·μ²)` stay, with their phases; a = 5 below −5 dB, 1 above 20 dB, else
/// 4 − 0.15·SNR. Below 3 dB the noise becomes `μ² = 0.9·μ² + 0.1·m²`. Samples are those of 16 bits: cut, not rounded, to whole ones of
/// 1/32768, and held within their range.
///
/// The result ends with the last half frame that two frames cover, so it has `h·(N/h − 1)` samples for half frames of h. A recording that
/// is shorter than a frame stays as it is, and so does one whose leading frames are silent, but for the cut. Frames of an odd number of
/// samples are lengthened by one.
///
/// # Errors
/// None for finite samples.
pub fn berouti(clip: &[f32], rate: u32) -> Result<Vec<f32>> {
    let n = ((0.02 * f64::from(rate)) as usize).next_multiple_of(2).max(4);
    if clip.len() < n {
        return Ok(clip.to_vec());
    }
    let x: Vec<f64> = clip.iter().map(|&v| f64::from(v) * FULL_SCALE).collect();
    let mut filter = Filter::new(n);
    let hop = n / 2;
    let frames = LEAD.min(x.len() / n);
    for k in 0..frames {
        filter.transform(&x[k * n..(k + 1) * n])?;
        filter.noise.iter_mut().zip(&filter.spectrum).for_each(|(mu, s)| *mu += s.norm() / frames as f64);
    }
    let gain = hop as f64 / filter.window.iter().sum::<f64>();
    let mut tail = vec![0.0; hop];
    let mut out = Vec::with_capacity(x.len());
    for start in (0..(x.len() / hop - 1) * hop).step_by(hop) {
        let y = filter.frame(&x[start..start + n])?;
        let overlapped = tail.iter().zip(y).map(|(t, v)| ((t + v) * gain).trunc().clamp(-FULL_SCALE, FULL_SCALE - 1.0));
        out.extend(overlapped.map(|v| (v / FULL_SCALE) as f32));
        tail.copy_from_slice(&y[hop..n]);
    }
    Ok(out)
}

/// Transforms, and what is known of the noise.
struct Filter {
    window: Vec<f64>,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    /// The windowed frame with zeros behind it.
    samples: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    /// Magnitude of the noise at each bin.
    noise: Vec<f64>,
}

impl Filter {
    fn new(n: usize) -> Self {
        // At least twice the frame, so that what is filtered does not run into itself.
        let size = 2 * n.next_power_of_two();
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let window = (0..n).map(|i| 0.54 - 0.46 * (TAU * i as f64 / (n - 1) as f64).cos()).collect();
        let (samples, spectrum) = (forward.make_input_vec(), forward.make_output_vec());
        Filter { window, forward, inverse, samples, noise: vec![0.0; spectrum.len()], spectrum }
    }

    /// Windows a frame.
    fn load(&mut self, frame: &[f64]) {
        self.samples.fill(0.0);
        self.samples.iter_mut().zip(frame).zip(&self.window).for_each(|((to, x), w)| *to = x * w);
    }

    /// The spectrum of a windowed frame.
    fn transform(&mut self, frame: &[f64]) -> Result<()> {
        self.load(frame);
        self.forward.process(&mut self.samples, &mut self.spectrum).map_err(failed)
    }

    /// A frame without what is taken for noise, from its first sample on.
    fn frame(&mut self, frame: &[f64]) -> Result<&[f64]> {
        self.transform(frame)?;
        let last = self.spectrum.len() - 1;
        // Over both sides of the spectrum: all bins but the first and the last are there twice.
        let sides = |k: usize| if k == 0 || k == last { 1.0 } else { 2.0 };
        let power: f64 = self.spectrum.iter().enumerate().map(|(k, s)| sides(k) * s.norm_sqr()).sum();
        let noise: f64 = self.noise.iter().enumerate().map(|(k, mu)| sides(k) * mu * mu).sum();
        if noise == 0.0 {
            self.load(frame);
            return Ok(&self.samples);
        }
        let snr = 10.0 * (power / noise).log10();
        let over = match snr {
            s if s < -5.0 => 5.0,
            s if s > 20.0 => 1.0,
            s => 4.0 - 0.15 * s,
        };
        for (s, mu) in self.spectrum.iter_mut().zip(&mut self.noise) {
            let (m2, mu2) = (s.norm_sqr(), *mu * *mu);
            let magnitude = (m2 - over * mu2).max(FLOOR * mu2).sqrt();
            // A bin without a phase has that of a positive number.
            *s = if m2 > 0.0 { *s * (magnitude / m2.sqrt()) } else { Complex::new(magnitude, 0.0) };
            if snr < 3.0 {
                *mu = (0.9 * mu2 + 0.1 * m2).sqrt();
            }
        }
        (self.spectrum[0].im, self.spectrum[last].im) = (0.0, 0.0);
        self.inverse.process(&mut self.spectrum, &mut self.samples).map_err(failed)?;
        let size = self.samples.len() as f64;
        self.samples.iter_mut().for_each(|v| *v /= size);
        Ok(&self.samples)
    }
}

fn failed(e: realfft::FftError) -> Error {
    Error::Data(format!("taking noise out of a recording: {e}"))
}
