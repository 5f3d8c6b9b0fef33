//! Glottal pulses and noise through a cascade of formant resonators (the cascade branch of Klatt 1980).

use std::f64::consts::{PI, TAU};

use crate::random::Rng;

/// Samples per second of every clip.
pub const SAMPLE_RATE: u32 = 16_000;
/// Samples between two control frames: 5 ms, Klatt's update interval.
pub(crate) const FRAME: usize = 80;
/// Samples for which one set of filter coefficients is kept: short enough that moving formants do not click.
const BLOCK: usize = 16;
const FS: f64 = SAMPLE_RATE as f64;

/// What the articulators do at one instant.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Frame {
    /// Fundamental frequency, Hz.
    pub f0: f64,
    /// Amplitude of voicing, linear.
    pub voicing: f64,
    /// Amplitude of aspiration noise at the glottis, linear.
    pub aspiration: f64,
    /// Amplitude of frication noise at the constriction, linear.
    pub frication: f64,
    /// Centre of the frication noise, Hz.
    pub frication_hz: f64,
    /// Formant frequencies, Hz.
    pub formants: [f64; 5],
}

/// What stays the same over one utterance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quality {
    /// Share of a period during which the glottis is open.
    pub open_quotient: f64,
    /// Attenuation of the voice source at 3 kHz beyond the pulse's own slope, dB.
    pub tilt_db: f64,
    /// Standard deviation of the period, relative.
    pub jitter: f64,
    /// Standard deviation of the period's amplitude, relative.
    pub shimmer: f64,
    /// Half-power bandwidths of the formants are these times this factor; lax and breathy voices lose more energy.
    pub damping: f64,
}

/// Half-power bandwidths of F1..F5, Hz, near Klatt's defaults.
const BANDWIDTHS: [f64; 5] = [70.0, 95.0, 140.0, 220.0, 280.0];

/// y[n] = A x[n] + B y[n-1] + C y[n-2] with unit gain at 0 Hz (Klatt 1980, eq. 1).
#[derive(Clone, Copy, Default)]
struct Resonator {
    a: f64,
    b: f64,
    c: f64,
    y1: f64,
    y2: f64,
}

impl Resonator {
    fn tune(&mut self, hz: f64, bandwidth: f64) {
        let r = (-PI * bandwidth / FS).exp();
        self.c = -r * r;
        self.b = 2.0 * r * (TAU * hz.clamp(50.0, 0.48 * FS) / FS).cos();
        self.a = 1.0 - self.b - self.c;
    }

    fn run(&mut self, x: f64) -> f64 {
        let y = self.a * x + self.b * self.y1 + self.c * self.y2;
        self.y2 = self.y1;
        self.y1 = y;
        y
    }
}

/// A band-pass with zeros at 0 Hz and at half the sample rate and about unit gain at its centre.
#[derive(Clone, Copy, Default)]
struct BandPass {
    pole: Resonator,
    x1: f64,
    x2: f64,
}

impl BandPass {
    fn tune(&mut self, hz: f64, bandwidth: f64) {
        self.pole.tune(hz, bandwidth);
        self.pole.a = 0.5 * (1.0 + self.pole.c);
    }

    fn run(&mut self, x: f64) -> f64 {
        let y = self.pole.run(x - self.x2);
        self.x2 = self.x1;
        self.x1 = x;
        y
    }
}

/// Coefficient c of y = (1-c) x + c y[-1] that attenuates `hz` by `db`: the root below one of
/// c²(1-G²) - 2c(1-G² cos w) + (1-G²) = 0, G the wanted magnitude.
pub(crate) fn tilt_pole(db: f64, hz: f64) -> f64 {
    let gain2 = 10f64.powf(-db.max(0.0) / 10.0);
    if gain2 > 1.0 - 1e-9 {
        return 0.0;
    }
    let p = 1.0 - gain2 * (TAU * hz / FS).cos();
    let q = 1.0 - gain2;
    (p - (p * p - q * q).max(0.0).sqrt()) / q
}

/// The glottis: derivative of the flow pulse 'x² - x³' (the polynomial family of Rosenberg 1971 and Klatt and Klatt 1990) while open, zero
/// while closed. The jump at closure carries the high frequencies; a two-sample polynomial correction keeps them from aliasing.
struct Glottis {
    phase: f64,
    step: f64,
    amplitude: f64,
}

impl Glottis {
    fn period(&mut self, f0: f64, quality: &Quality, rng: &mut Rng) {
        let jitter = 1.0 + quality.jitter * rng.normal();
        self.step = f0.clamp(40.0, 700.0) * jitter.clamp(0.7, 1.3) / FS;
        self.amplitude = (1.0 + quality.shimmer * rng.normal()).max(0.1);
    }

    fn next(&mut self, f0: f64, quality: &Quality, rng: &mut Rng) -> f64 {
        self.phase += self.step;
        if self.phase >= 1.0 {
            self.phase -= 1.0;
            self.period(f0, quality, rng);
        }
        let oq = quality.open_quotient;
        let x = self.phase / oq;
        let pulse = if x < 1.0 { 2.0 * x - 3.0 * x * x } else { 0.0 };
        // Distance from the closure in samples; the closure is a step of +1.
        let t = (self.phase - oq) / self.step;
        let corrected = match t {
            t if (0.0..1.0).contains(&t) => pulse + 0.5 * (2.0 * t - t * t - 1.0),
            t if (-1.0..0.0).contains(&t) => pulse + 0.5 * (t * t + 2.0 * t + 1.0),
            _ => pulse,
        };
        corrected * self.amplitude
    }

    fn open(&self, quality: &Quality) -> bool {
        self.phase < quality.open_quotient
    }
}

/// Renders `frames` (5 ms each), linearly interpolated, to 16 kHz samples. The scale is set by the frames' amplitudes alone.
pub(crate) fn render(frames: &[Frame], quality: &Quality, rng: &mut Rng) -> Vec<f64> {
    let Some(first) = frames.first() else { return Vec::new() };
    let mut out = Vec::with_capacity(frames.len() * FRAME);
    let mut cascade = [Resonator::default(); 5];
    let mut constriction = BandPass::default();
    let mut glottis = Glottis { phase: 0.0, step: first.f0.clamp(40.0, 700.0) / FS, amplitude: 1.0 };
    let pole = tilt_pole(quality.tilt_db, 3000.0);
    let mut tilted = 0.0;
    for (i, now) in frames.iter().enumerate() {
        let next = frames.get(i + 1).unwrap_or(now);
        for block in 0..FRAME / BLOCK {
            let at = (block * BLOCK) as f64 / FRAME as f64;
            let mix = |a: f64, b: f64| a + (b - a) * at;
            for (k, r) in cascade.iter_mut().enumerate() {
                r.tune(mix(now.formants[k], next.formants[k]), BANDWIDTHS[k] * quality.damping);
            }
            constriction.tune(mix(now.frication_hz, next.frication_hz), 1600.0);
            let f0 = mix(now.f0, next.f0);
            let voicing = mix(now.voicing, next.voicing);
            let aspiration = mix(now.aspiration, next.aspiration);
            let frication = mix(now.frication, next.frication);
            for _ in 0..BLOCK {
                let pulse = glottis.next(f0, quality, rng);
                tilted = (1.0 - pole) * pulse + pole * tilted;
                let noise = rng.range(-1.0, 1.0);
                // Turbulence follows the airflow: it halves while the folds are closed (Klatt 1980).
                let gate = if voicing > 0.0 && !glottis.open(quality) { 0.5 } else { 1.0 };
                let mut y = voicing * tilted + aspiration * gate * noise;
                for r in &mut cascade {
                    y = r.run(y);
                }
                out.push(y + frication * constriction.run(noise));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goertzel(x: &[f64], hz: f64) -> f64 {
        let w = TAU * hz / FS;
        let (re, im) = x.iter().enumerate().fold((0.0, 0.0), |(re, im), (n, v)| {
            let hann = 0.5 - 0.5 * (TAU * n as f64 / x.len() as f64).cos();
            (re + hann * v * (w * n as f64).cos(), im + hann * v * (w * n as f64).sin())
        });
        (re * re + im * im).sqrt()
    }

    fn steady(f0: f64, quality: &Quality) -> Vec<f64> {
        let frame = Frame { f0, voicing: 1.0, formants: [500.0, 1500.0, 2500.0, 3500.0, 4500.0], frication_hz: 4000.0, ..Frame::default() };
        render(&[frame; 200], quality, &mut Rng::new(1, &[]))[4000..].to_vec()
    }

    const CLEAN: Quality = Quality { open_quotient: 0.6, tilt_db: 0.0, jitter: 0.0, shimmer: 0.0, damping: 1.0 };

    #[test]
    fn harmonics_sit_on_multiples_of_f0_and_peak_at_formants() {
        let x = steady(125.0, &CLEAN);
        for k in [1.0, 4.0, 12.0, 20.0] {
            let (on, off) = (goertzel(&x, 125.0 * k), goertzel(&x, 125.0 * (k + 0.5)));
            assert!(on > 30.0 * off, "harmonic {k}: {on} against {off} between harmonics");
        }
        assert!(goertzel(&x, 500.0) > 3.0 * goertzel(&x, 1000.0), "F1 does not stand out");
        assert!(goertzel(&x, 1500.0) > 1.5 * goertzel(&x, 2000.0), "F2 does not stand out");
    }

    #[test]
    fn tilt_attenuates_3_khz_by_what_it_says() {
        for db in [3.0, 10.0, 18.0] {
            let (flat, tilted) = (steady(125.0, &CLEAN), steady(125.0, &Quality { tilt_db: db, ..CLEAN }));
            let got = 20.0 * (goertzel(&flat, 3000.0) / goertzel(&tilted, 3000.0)).log10();
            assert!((got - db).abs() < 0.3, "asked {db} dB, got {got}");
        }
    }

    #[test]
    fn jitter_blurs_the_upper_harmonics() {
        let (clean, rough) = (steady(125.0, &CLEAN), steady(125.0, &Quality { jitter: 0.03, ..CLEAN }));
        let depth = |x: &[f64]| goertzel(x, 2500.0) / goertzel(x, 2562.5);
        assert!(depth(&clean) > 5.0 * depth(&rough), "{} against {}", depth(&clean), depth(&rough));
    }
}
