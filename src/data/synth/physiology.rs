//! ECG and EEG from nothing, of the same made-up people as the speech: each has a heart and a brain of its own, and an emotion moves both in
//! the directions that studies report. Windows are short, people differ and takes vary, so no modality alone tells all emotions apart.
//!
//! * Heart: faster in anger and happiness, slower in (not crying) sadness and in contentment; its variability with breathing falls in
//!   anger, sadness and happiness and rises in contentment (Kreibig 2010, "Autonomic nervous system activity in emotion: a review",
//!   tables 2 and 3).
//! * Asymmetry of frontal alpha: relatively less alpha on the left for approach, happiness and also anger, and more in sadness (Davidson
//!   1992; Harmon-Jones & Allen 1998 for anger).
//! * Band power: beta and gamma higher in positive emotions, lower in negative ones (Zheng & Lu 2015); alpha falls with arousal (Aftanas
//!   et al. 2004).
//!
//! Beats are sums of Gaussians after McSharry et al. (2003, "A dynamical model for generating synthetic electrocardiogram signals"), with
//! respiratory and 0.1 Hz rhythms in the intervals; the EEG is a sum of sinusoids in each band, partly common to all channels.

use crate::random::Rng;
use std::f64::consts::TAU;

/// What an emotion does to heart and brain.
struct Effect {
    /// Beats per minute.
    rate: f64,
    /// Logarithm of the respiratory variability of intervals.
    variability: f64,
    /// Logarithm of the power of alpha.
    alpha: f64,
    /// Difference of the logarithms of frontal alpha, right minus left.
    asymmetry: f64,
    /// Logarithms of the powers of beta and gamma.
    fast: [f64; 2],
}

/// In the order of [`LABELS`](super::LABELS): happiness, sadness, anger, gentleness.
const EFFECTS: [Effect; 4] = [
    Effect { rate: 6.0, variability: -0.2, alpha: -0.15, asymmetry: 0.5, fast: [0.25, 0.4] },
    Effect { rate: -6.0, variability: -0.6, alpha: 0.1, asymmetry: -0.6, fast: [-0.2, -0.3] },
    Effect { rate: 16.0, variability: -1.0, alpha: -0.3, asymmetry: 0.3, fast: [0.2, -0.1] },
    Effect { rate: -12.0, variability: 0.8, alpha: 0.4, asymmetry: 0.1, fast: [-0.1, 0.1] },
];

/// Bands of the EEG, Hz, and their amplitudes at rest: delta, theta, alpha, beta, gamma.
const BANDS: [(f64, f64, f64); 5] = [(1.0, 4.0, 1.0), (4.0, 8.0, 0.6), (8.0, 13.0, 0.8), (13.0, 30.0, 0.4), (30.0, 45.0, 0.25)];
/// Sinusoids of a band: as many common to all channels as of each channel alone.
const SINUSOIDS: usize = 8;
/// Waves of a beat: seconds from the R wave (that of T for intervals of a second), millivolts, width in seconds.
const WAVES: [(f64, f64, f64); 5] =
    [(-0.17, 0.12, 0.025), (-0.03, -0.12, 0.012), (0.0, 1.0, 0.014), (0.03, -0.2, 0.014), (0.28, 0.28, 0.055)];

/// One window of a subject's signals.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Seed of everything random.
    pub seed: u64,
    /// Whose.
    pub subject: usize,
    /// Index of the emotion in [`LABELS`](super::LABELS).
    pub emotion: usize,
    /// Which of the subject's windows of this emotion.
    pub take: usize,
    /// Samples per second.
    pub rate: f64,
    /// Samples.
    pub length: usize,
}

impl Window {
    fn rng(&self, what: u64) -> Rng {
        Rng::new(self.seed, &[what, self.subject as u64, self.emotion as u64, self.take as u64])
    }

    /// ECG of `leads` channels in millivolts, one after the other.
    pub fn ecg(&self, leads: usize) -> Vec<f32> {
        let mut person = Rng::new(self.seed, &[0xeca, self.subject as u64]);
        let (rest, depth, breath) = (72.0 + 5.0 * person.normal(), 0.04 * (0.4 * person.normal()).exp(), person.range(0.2, 0.33));
        let gains: Vec<f64> = (0..leads).map(|_| person.range(0.6, 1.4)).collect();
        let (mut rng, effect) = (self.rng(0xecb), &EFFECTS[self.emotion]);
        let rate = (rest + effect.rate + 3.0 * rng.normal()).clamp(45.0, 160.0);
        let depth = depth * (effect.variability + 0.3 * rng.normal()).exp();
        let (phase, slow) = (rng.range(0.0, TAU), rng.range(0.0, TAU));
        let seconds = self.length as f64 / self.rate;
        let mut beats = Vec::new();
        let mut at = -rng.range(0.0, 60.0 / rate);
        while at < seconds + 1.0 {
            let rhythm = depth * (TAU * breath * at + phase).sin() + 0.4 * depth * (TAU * 0.1 * at + slow).sin();
            let interval = 60.0 / rate * (1.0 + rhythm) + 0.008 * rng.normal();
            beats.push((at, interval));
            at += interval;
        }
        let wave = |t: f64| -> f64 {
            let near = beats.iter().filter(|(beat, _)| (t - beat).abs() < 0.7);
            near.flat_map(|(beat, interval)| WAVES.iter().map(move |w| (t - beat, *interval, w)))
                .map(|(d, interval, (centre, size, width))| {
                    let centre = if *centre > 0.1 { centre * interval.max(0.2).sqrt() } else { *centre };
                    size * (-0.5 * ((d - centre) / width).powi(2)).exp()
                })
                .sum()
        };
        let clean: Vec<f64> = (0..self.length).map(|i| wave(i as f64 / self.rate)).collect();
        let wander = rng.range(0.05, 0.2);
        let mut out = Vec::with_capacity(leads * self.length);
        for gain in gains {
            let drift = rng.range(0.0, TAU);
            for (i, v) in clean.iter().enumerate() {
                let baseline = wander * (TAU * breath * i as f64 / self.rate + drift).sin();
                out.push((gain * v + baseline + 0.06 * rng.normal()) as f32);
            }
        }
        out
    }

    /// EEG of `electrodes` channels, one after the other: even ones on the left, odd ones on the right, the first half of them frontal.
    pub fn eeg(&self, electrodes: usize) -> Vec<f32> {
        let mut person = Rng::new(self.seed, &[0xee9, self.subject as u64]);
        let own: [f64; 5] = std::array::from_fn(|_| 0.3 * person.normal());
        let tilt = 0.2 * person.normal();
        let gains: Vec<f64> = (0..electrodes).map(|_| (0.15 * person.normal()).exp()).collect();
        let (mut rng, effect) = (self.rng(0xeea), &EFFECTS[self.emotion]);
        let moved = [0.0, 0.0, effect.alpha, effect.fast[0], effect.fast[1]];
        let power: [f64; 5] = std::array::from_fn(|b| own[b] + moved[b] + 0.25 * rng.normal());
        let asymmetry = effect.asymmetry + tilt + 0.3 * rng.normal();
        let wave = |rng: &mut Rng, (low, high, _): (f64, f64, f64)| (rng.range(low, high), rng.range(0.0, TAU), (0.3 * rng.normal()).exp());
        let common: Vec<Vec<_>> = BANDS.iter().map(|band| (0..SINUSOIDS).map(|_| wave(&mut rng, *band)).collect()).collect();
        let mut out = Vec::with_capacity(electrodes * self.length);
        for (electrode, gain) in gains.into_iter().enumerate() {
            let frontal = 2 * electrode < electrodes.max(2);
            let side = if electrode % 2 == 0 { -0.5 } else { 0.5 };
            let mut samples = vec![0.0f64; self.length];
            for (b, band) in BANDS.iter().enumerate() {
                let alone: Vec<_> = (0..SINUSOIDS).map(|_| wave(&mut rng, *band)).collect();
                let lateral = if frontal && b == 2 { side * asymmetry } else { 0.0 };
                // Powers to amplitudes.
                let size = gain * band.2 * (0.5 * (power[b] + lateral)).exp() / (SINUSOIDS as f64).sqrt();
                for (frequency, phase, weight) in common[b].iter().chain(&alone) {
                    let step = TAU * frequency / self.rate;
                    samples.iter_mut().enumerate().for_each(|(i, s)| *s += size * weight * (step * i as f64 + phase).sin());
                }
            }
            out.extend(samples.into_iter().map(|s| (s + 0.3 * rng.normal()) as f32));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(emotion: usize) -> impl Iterator<Item = Window> {
        (0..40).map(move |i| Window { seed: 3, subject: i / 4, emotion, take: i % 4, rate: 128.0, length: 1024 })
    }

    /// Beats of the windows of an emotion: samples that are higher than 0.6 of the lead's highest and than their neighbours.
    fn beats(emotion: usize) -> f64 {
        let count = |w: Window| {
            let ecg = w.ecg(1);
            let top = ecg.iter().fold(0.0f32, |m, v| m.max(*v));
            (1..ecg.len() - 1).filter(|&i| ecg[i] > 0.6 * top && ecg[i] >= ecg[i - 1] && ecg[i] > ecg[i + 1]).count()
        };
        windows(emotion).map(count).sum::<usize>() as f64 / 40.0 / 8.0 * 60.0
    }

    /// Power of a channel near a band's middle, by its Fourier coefficients.
    fn band(w: Window, electrode: usize, low: usize, high: usize) -> f64 {
        let eeg = w.eeg(4);
        let x = &eeg[electrode * w.length..][..w.length];
        let coefficient = |k: usize| {
            let (mut re, mut im) = (0.0, 0.0);
            for (i, v) in x.iter().enumerate() {
                let (s, c) = (TAU * (k * i) as f64 / w.length as f64).sin_cos();
                (re, im) = (re + f64::from(*v) * c, im + f64::from(*v) * s);
            }
            re * re + im * im
        };
        (low * w.length / 128..high * w.length / 128).map(coefficient).sum::<f64>().ln()
    }

    fn mean(emotion: usize, of: impl Fn(Window) -> f64) -> f64 {
        windows(emotion).map(of).sum::<f64>() / 40.0
    }

    #[test]
    fn emotions_move_heart_and_brain_as_cited() {
        let heart: Vec<f64> = (0..4).map(beats).collect();
        assert!(heart[2] > heart[0] + 3.0 && heart[0] > heart[1] + 3.0 && heart[1] > heart[3], "beats per minute: {heart:?}");
        assert!(heart.iter().all(|h| (50.0..100.0).contains(h)), "{heart:?}");
        let asymmetry: Vec<f64> = (0..4).map(|e| mean(e, |w| band(w, 1, 8, 13) - band(w, 0, 8, 13))).collect();
        assert!(asymmetry[0] > asymmetry[1] + 0.5 && asymmetry[2] > asymmetry[1] + 0.3, "alpha, right less left: {asymmetry:?}");
        let behind = mean(0, |w| band(w, 3, 8, 13) - band(w, 2, 8, 13)) - mean(1, |w| band(w, 3, 8, 13) - band(w, 2, 8, 13));
        assert!(behind.abs() < 0.3, "behind the frontal electrodes: {behind}");
        let gamma: Vec<f64> = (0..4).map(|e| mean(e, |w| band(w, 2, 30, 45))).collect();
        assert!(gamma[0] > gamma[1] + 0.3, "gamma: {gamma:?}");
    }

    #[test]
    fn a_window_is_a_function_of_its_keys() {
        let w = Window { seed: 1, subject: 2, emotion: 3, take: 0, rate: 128.0, length: 256 };
        assert_eq!((w.ecg(2), w.eeg(3)), (w.ecg(2), w.eeg(3)));
        assert!(w.ecg(1) != Window { take: 1, ..w }.ecg(1) && w.eeg(1) != Window { subject: 3, ..w }.eeg(1));
        assert!(w.ecg(2).len() == 512 && w.eeg(14).len() == 14 * 256 && w.eeg(14).iter().all(|v| v.is_finite()));
    }
}
