//! What recordings meet on their way, applied to samples at 16 kHz. Each is the same for the same recording every time.

use emotone::Result;
use emotone::audio::SAMPLE_RATE;
use emotone::augment::wave::{Colour, half_band, noisy, telephone};
use emotone::random::Rng;

/// A disturbance.
pub struct Disturbance {
    /// Its name in reports and in `--disturbances`.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    apply: fn(&[f32], &mut Rng) -> Result<Vec<f32>>,
}

/// All of them; the first leaves a recording as it is.
pub const ALL: &[Disturbance] = &[
    Disturbance { name: "none", what: "the recording as it is", apply: |x, _| Ok(x.to_vec()) },
    Disturbance {
        name: "silence",
        what: "a second of digital silence on both sides",
        apply: |x, _| Ok(surrounded(x, SAMPLE_RATE as usize)),
    },
    Disturbance { name: "dc", what: "0.1 of full scale added", apply: |x, _| Ok(x.iter().map(|v| v + 0.1).collect()) },
    Disturbance { name: "quiet", what: "level x 0.02", apply: |x, _| Ok(x.iter().map(|v| v * 0.02).collect()) },
    Disturbance {
        name: "loud",
        what: "level x 10, clipped at full scale",
        apply: |x, _| Ok(x.iter().map(|v| (v * 10.0).clamp(-1.0, 1.0)).collect()),
    },
    Disturbance {
        name: "dead-channel",
        what: "stereo of which one channel is silent, mixed down",
        apply: |x, _| Ok(x.iter().map(|v| v * 0.5).collect()),
    },
    Disturbance { name: "8khz", what: "sampled at 8 kHz", apply: |x, _| half_band(x, |v| v) },
    Disturbance { name: "telephone", what: "sampled at 8 kHz, 8-bit mu-law", apply: |x, _| telephone(x) },
    Disturbance { name: "low-pass", what: "fourth-order low pass at 2 kHz", apply: |x, _| Ok(low_pass(x, 2000.0)) },
    Disturbance { name: "white-20", what: "white noise 20 dB below the speech", apply: |x, rng| Ok(noisy(x, Colour::White, 20.0, rng)) },
    Disturbance { name: "white-10", what: "white noise 10 dB below the speech", apply: |x, rng| Ok(noisy(x, Colour::White, 10.0, rng)) },
    Disturbance { name: "pink-20", what: "pink noise 20 dB below the speech", apply: |x, rng| Ok(noisy(x, Colour::Pink, 20.0, rng)) },
    Disturbance { name: "pink-10", what: "pink noise 10 dB below the speech", apply: |x, rng| Ok(noisy(x, Colour::Pink, 10.0, rng)) },
    Disturbance { name: "reverberation", what: "a room of 0.5 s, 3 dB below the direct sound", apply: |x, _| Ok(reverberant(x)) },
    Disturbance { name: "tempo-0.9", what: "nine tenths of the tempo, at the same pitch", apply: |x, _| Ok(tempo(x, 0.9)) },
    Disturbance { name: "tempo-1.1", what: "eleven tenths of the tempo, at the same pitch", apply: |x, _| Ok(tempo(x, 1.1)) },
];

impl Disturbance {
    /// The disturbed recording; what is random about it follows from its number.
    ///
    /// # Errors
    /// Those of resampling.
    pub fn of(&self, clip: &[f32], number: usize) -> Result<Vec<f32>> {
        let name = self.name.bytes().fold(0u64, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b)));
        (self.apply)(clip, &mut Rng::new(number as u64, &[0x0d15, name]))
    }
}

fn surrounded(x: &[f32], by: usize) -> Vec<f32> {
    [&vec![0.0; by], x, &vec![0.0; by]].concat()
}

/// Butterworth low pass of the fourth order: two second-order sections (bilinear transform).
fn low_pass(x: &[f32], hertz: f64) -> Vec<f32> {
    let w = std::f64::consts::TAU * hertz / f64::from(SAMPLE_RATE);
    let mut y: Vec<f64> = x.iter().map(|&v| f64::from(v)).collect();
    for q in [0.541_196_1, 1.306_562_96] {
        let alpha = w.sin() / (2.0 * q);
        let (b, a0) = ((1.0 - w.cos()) / 2.0, 1.0 + alpha);
        let (a1, a2) = (-2.0 * w.cos() / a0, (1.0 - alpha) / a0);
        let (mut x1, mut x2, mut y1, mut y2) = (0.0, 0.0, 0.0, 0.0);
        for v in &mut y {
            let out = b / a0 * (*v + 2.0 * x1 + x2) - a1 * y1 - a2 * y2;
            (x2, x1, y2, y1) = (x1, *v, y1, out);
            *v = out;
        }
    }
    y.into_iter().map(|v| v as f32).collect()
}

/// The recording and its echoes by a room: four comb filters side by side, then two all-passes (Schroeder 1962). The echoes fade by 60 dB in half a
/// second and have half the power of the recording; their tail is kept.
fn reverberant(x: &[f32]) -> Vec<f32> {
    const FADE: f64 = 0.5;
    let samples = |seconds: f64| (seconds * f64::from(SAMPLE_RATE)).round() as usize;
    let whole: Vec<f64> = x.iter().map(|&v| f64::from(v)).chain(std::iter::repeat_n(0.0, samples(FADE))).collect();
    let mut wet = vec![0.0; whole.len()];
    for seconds in [0.0297, 0.0371, 0.0411, 0.0437] {
        let (delay, gain) = (samples(seconds), 10f64.powf(-3.0 * seconds / FADE));
        let mut comb = vec![0.0; whole.len()];
        for i in delay..whole.len() {
            comb[i] = whole[i - delay] + gain * comb[i - delay];
            wet[i] += comb[i];
        }
    }
    for seconds in [0.005, 0.0017] {
        let (delay, input) = (samples(seconds), wet.clone());
        for i in 0..wet.len() {
            let (before, echo) = if i < delay { (0.0, 0.0) } else { (input[i - delay], wet[i - delay]) };
            wet[i] = -0.7 * input[i] + before + 0.7 * echo;
        }
    }
    let power = |y: &[f64]| y.iter().map(|v| v * v).sum::<f64>();
    let gain = (0.5 * power(&whole) / power(&wet).max(1e-30)).sqrt();
    whole.iter().zip(&wet).map(|(dry, wet)| (dry + gain * wet) as f32).collect()
}

/// Faster or slower at the same pitch: frames of 32 ms that overlap by half, each taken from where it goes on best from the one before (WSOLA;
/// Verhelst and Roelands 1993). Recordings shorter than 48 ms stay as they are.
fn tempo(x: &[f32], factor: f64) -> Vec<f32> {
    const FRAME: usize = 512;
    const HOP: usize = FRAME / 2;
    const REACH: usize = 128;
    if x.len() < FRAME + HOP {
        return x.to_vec();
    }
    let window: Vec<f32> =
        (0..FRAME).map(|i| (0.5 - 0.5 * (std::f64::consts::TAU * (i as f64 + 0.5) / FRAME as f64).cos()) as f32).collect();
    let (length, last) = ((x.len() as f64 / factor) as usize, x.len() - FRAME);
    let mut out = vec![0.0f32; length + FRAME];
    let mut from = 0;
    for at in (0..length).step_by(HOP) {
        if at > 0 {
            let (wanted, next) = ((at as f64 * factor) as usize, (from + HOP).min(last));
            let fit = |start: usize| {
                let part = &x[start..start + FRAME];
                let dot: f32 = part.iter().zip(&x[next..next + FRAME]).map(|(a, b)| a * b).sum();
                dot / part.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-12)
            };
            let (low, high) = (wanted.saturating_sub(REACH).min(last), (wanted + REACH).min(last));
            from =
                (low..=high).map(|start| (start, fit(start))).fold((low, f32::MIN), |best, new| if new.1 > best.1 { new } else { best }).0;
        }
        out[at..at + FRAME].iter_mut().zip(&x[from..from + FRAME]).zip(&window).for_each(|((o, v), w)| *o += v * w);
    }
    out.truncate(length);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, samples: usize) -> Vec<f32> {
        (0..samples).map(|i| (0.4 * (std::f64::consts::TAU * hertz * i as f64 / 16_000.0).sin()) as f32).collect()
    }

    /// Amplitude of a frequency in the middle of a signal.
    fn amplitude(x: &[f32], hertz: f64) -> f64 {
        let part = &x[x.len() / 4..3 * x.len() / 4];
        let of = |f: fn(f64) -> f64| {
            let angle = |i: usize| std::f64::consts::TAU * hertz * i as f64 / 16_000.0;
            2.0 * part.iter().enumerate().map(|(i, v)| f64::from(*v) * f(angle(i))).sum::<f64>() / part.len() as f64
        };
        of(f64::sin).hypot(of(f64::cos))
    }

    #[test]
    fn disturbances_have_names_of_their_own_and_repeat_themselves() {
        let clip = tone(440.0, 8000);
        for (i, d) in ALL.iter().enumerate() {
            assert!(ALL[..i].iter().all(|other| other.name != d.name), "{} twice", d.name);
            let (one, two) = (d.of(&clip, 3).unwrap(), d.of(&clip, 3).unwrap());
            assert!(one == two && one.iter().all(|v| v.is_finite()), "{}", d.name);
            assert_eq!(one == clip, d.name == "none", "{}", d.name);
            // What is drawn differs from recording to recording.
            assert_eq!(d.of(&clip, 4).unwrap() != one, d.what.contains("noise"), "{}", d.name);
        }
    }

    #[test]
    fn filters_pass_what_they_should() {
        for (hertz, low, high) in [(500.0, 0.39, 0.41), (2000.0, 0.27, 0.295), (4000.0, 0.0, 0.03)] {
            let got = amplitude(&low_pass(&tone(hertz, 16_000), 2000.0), hertz);
            assert!((low..high).contains(&got), "{hertz} Hz: {got}");
        }
        for (hertz, low, high) in [(1000.0, 0.39, 0.41), (6000.0, 0.0, 0.005)] {
            let got = amplitude(&half_band(&tone(hertz, 16_000), |v| v).unwrap(), hertz);
            assert!((low..high).contains(&got), "{hertz} Hz: {got}");
        }
    }

    #[test]
    fn tempo_keeps_pitch_and_changes_length() {
        for factor in [0.9, 1.1] {
            let got = tempo(&tone(300.0, 16_000), factor);
            assert_eq!(got.len(), (16_000.0 / factor) as usize);
            assert!(amplitude(&got, 300.0) > 0.37, "{}", amplitude(&got, 300.0));
        }
        assert_eq!(tempo(&tone(300.0, 700), 0.9), tone(300.0, 700));
    }

    /// Echoes of an impulse: none before the first, 60 dB less after half a second, half the impulse's energy.
    #[test]
    fn rooms_fade() {
        let mut impulse = vec![0.0; 16_000];
        impulse[0] = 1.0;
        let echoes = &reverberant(&impulse)[1..];
        assert!(echoes[..400].iter().all(|v| *v == 0.0));
        let energy = |part: &[f32]| part.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
        assert!((energy(echoes) - 0.5).abs() < 0.01, "{}", energy(echoes));
        let fall = 10.0 * (energy(&echoes[800..2400]) / energy(&echoes[4800..6400])).log10();
        assert!((fall - 30.0).abs() < 3.0, "{fall} dB in a quarter of a second");
    }
}
