//! From a manner of speaking to control frames: random syllables, their formant targets, and the pitch contour over them.

use super::source_filter::{FRAME, Frame, SAMPLE_RATE};
use super::voice::{Speaker, Style};
use crate::random::Rng;

/// First three formants of ten vowels, Hz: averages over the men of Peterson and Barney (1952).
#[rustfmt::skip]
const VOWELS: [[f64; 3]; 10] = [
    [270.0, 2290.0, 3010.0], [390.0, 1990.0, 2550.0], [530.0, 1840.0, 2480.0], [660.0, 1720.0, 2410.0], [730.0, 1090.0, 2440.0],
    [570.0, 840.0, 2410.0], [440.0, 1020.0, 2240.0], [300.0, 870.0, 2240.0], [640.0, 1190.0, 2390.0], [490.0, 1350.0, 1690.0],
];
/// The uniform tube all reduced vowels approach.
const SCHWA: [f64; 3] = [500.0, 1500.0, 2500.0];
const F4_F5: [f64; 2] = [3400.0, 4300.0];

/// How a consonant is made; frequencies in Hz for an average vocal tract.
enum Consonant {
    /// Voiceless noise at a constriction: centre and amplitude.
    Fricative(f64, f64),
    /// Closure, then a burst at a centre.
    Stop(f64),
    /// Voiced through a low resonance.
    Nasal([f64; 3]),
    /// Voiced glide or liquid.
    Glide([f64; 3]),
    /// Aspiration alone.
    Breath,
}

#[rustfmt::skip]
const CONSONANTS: [Consonant; 12] = [
    Consonant::Fricative(5600.0, 1.0), Consonant::Fricative(3400.0, 0.9), Consonant::Fricative(4700.0, 0.35),
    Consonant::Stop(900.0), Consonant::Stop(3600.0), Consonant::Stop(1900.0), Consonant::Nasal([260.0, 1100.0, 2200.0]),
    Consonant::Nasal([260.0, 1600.0, 2600.0]), Consonant::Glide([360.0, 1300.0, 2700.0]), Consonant::Glide([290.0, 2100.0, 2900.0]),
    Consonant::Glide([320.0, 750.0, 2200.0]), Consonant::Breath,
];

const FRAMES_PER_SECOND: f64 = SAMPLE_RATE as f64 / FRAME as f64;

/// Stretches of unsmoothed targets, one entry per 5 ms, with the accents of the syllables among them.
struct Score<'a> {
    frames: Vec<Frame>,
    accents: Vec<(usize, usize, f64)>,
    speaker: &'a Speaker,
    style: &'a Style,
}

impl Score<'_> {
    fn formants(&self, low: [f64; 3]) -> [f64; 5] {
        let all = [low[0] * (1.0 + self.style.jaw), low[1], low[2], F4_F5[0], F4_F5[1]];
        std::array::from_fn(|k| all[k] * self.speaker.formant_scale[k] * (1.0 + self.style.lips))
    }

    /// Holds `frame` for `seconds`, at least one frame.
    fn hold(&mut self, seconds: f64, frame: Frame) {
        let count = ((seconds * FRAMES_PER_SECOND).round() as usize).max(1);
        self.frames.extend(std::iter::repeat_n(frame, count));
    }

    fn silence(&mut self, seconds: f64) {
        let formants = self.frames.last().map_or_else(|| self.formants(SCHWA), |f| f.formants);
        self.hold(seconds, Frame { formants, ..Frame::default() });
    }

    fn consonant(&mut self, which: &Consonant, seconds: f64, vowel: [f64; 5]) {
        let style = self.style;
        let level = style.level;
        let blank = Frame { formants: vowel, ..Frame::default() };
        let sibilant = |hz: f64| hz * self.speaker.sibilant;
        // Noise at a constriction grows less than voicing does with vocal effort: about 0.6 dB per dB.
        let effort = level.powf(0.6);
        match *which {
            Consonant::Fricative(hz, amplitude) => {
                self.hold(seconds, Frame { frication: 0.16 * amplitude * effort, frication_hz: sibilant(hz), ..blank });
            }
            Consonant::Stop(hz) => {
                self.hold(0.6 * seconds, blank);
                self.hold(0.01, Frame { frication: 0.32 * effort, frication_hz: hz, ..blank });
                self.hold(0.25 * seconds, Frame { aspiration: 0.22 * effort, ..blank });
            }
            Consonant::Nasal(low) => {
                self.hold(seconds, Frame { voicing: 0.35 * level, formants: self.formants(low), ..blank });
            }
            Consonant::Glide(low) => {
                self.hold(0.8 * seconds, Frame { voicing: 0.6 * level, formants: self.formants(low), ..blank });
            }
            Consonant::Breath => self.hold(0.8 * seconds, Frame { aspiration: 0.3 * effort, ..blank }),
        }
    }

    fn syllable(&mut self, rng: &mut Rng) {
        let style = self.style;
        let length = rng.range(0.82, 1.18) / style.syllables;
        let vowel = VOWELS[rng.below(VOWELS.len())];
        let low: [f64; 3] = std::array::from_fn(|k| {
            let target = vowel[k] + style.reduction * (SCHWA[k] - vowel[k]);
            target * (1.0 + 0.03 * rng.normal())
        });
        let formants = self.formants(low);
        let start = self.frames.len();
        if rng.chance(0.85) {
            let which = &CONSONANTS[rng.below(CONSONANTS.len())];
            self.consonant(which, rng.range(0.25, 0.42) * length, formants);
        }
        let stressed = rng.chance(0.55);
        let rest = (length - (self.frames.len() - start) as f64 / FRAMES_PER_SECOND).max(0.04);
        let stress = if stressed { rng.range(1.0, 1.25) } else { rng.range(0.6, 0.85) };
        let voicing = style.level * stress;
        let onset = self.frames.len();
        self.hold(rest, Frame { voicing, aspiration: style.breath * voicing, formants, ..Frame::default() });
        let height = if stressed { style.accent * rng.range(0.6, 1.3) } else { style.accent * rng.range(-0.35, 0.25) };
        self.accents.push((onset, self.frames.len(), height));
    }
}

/// The control frames of a random utterance of about `seconds`, silence at both ends included.
pub(crate) fn plan(speaker: &Speaker, style: &Style, seconds: f64, rng: &mut Rng) -> Vec<Frame> {
    let total = (seconds * FRAMES_PER_SECOND) as usize;
    let mut score = Score { frames: Vec::with_capacity(total), accents: Vec::new(), speaker, style };
    score.silence(rng.range(0.03, 0.08));
    let margin = (rng.range(0.03, 0.08) * FRAMES_PER_SECOND) as usize;
    while score.frames.len() + margin + (0.6 * FRAMES_PER_SECOND / style.syllables) as usize <= total {
        score.syllable(rng);
        if rng.chance(style.pause) {
            score.silence(rng.range(0.10, 0.28));
        }
    }
    let spoken = score.frames.len().min(total.saturating_sub(margin));
    score.frames.truncate(spoken);
    let missing = total.saturating_sub(spoken) as f64 / FRAMES_PER_SECOND;
    score.silence(missing);
    intone(&mut score, spoken, rng);
    articulate(&mut score.frames, style.attack);
    score.frames
}

/// Lays the pitch contour: a line of the style's slope, an accent per syllable, a final fall, and slow flutter (Klatt and Klatt 1990).
fn intone(score: &mut Score, spoken: usize, rng: &mut Rng) {
    let style = score.style;
    let phases: [f64; 3] = std::array::from_fn(|_| rng.range(0.0, std::f64::consts::TAU));
    let mut semitones: Vec<f64> = (0..score.frames.len()).map(|i| style.slope * (i as f64 / spoken.max(1) as f64 - 0.5)).collect();
    for &(start, end, height) in &score.accents {
        let (start, end) = (start.min(semitones.len()), end.min(semitones.len()));
        let length = (end - start).max(1) as f64;
        for (i, value) in semitones[start..end].iter_mut().enumerate() {
            let x = (i as f64 + 0.5) / length;
            let round = 0.5 - 0.5 * (std::f64::consts::TAU * x).cos();
            let steep = 1.6 * (1.0 - x) * (1.0 - x) - 0.3;
            *value += height * (round + style.abrupt * (steep - round));
        }
    }
    let tail = (0.15 * FRAMES_PER_SECOND) as usize;
    for i in spoken.saturating_sub(tail)..spoken.min(semitones.len()) {
        let x = (i + tail - spoken) as f64 / tail as f64;
        semitones[i] += if style.slope > 0.0 { 1.0 } else { -1.0 } * x;
    }
    smooth(&mut semitones, 0.02);
    for (i, (frame, value)) in score.frames.iter_mut().zip(&semitones).enumerate() {
        let t = i as f64 / FRAMES_PER_SECOND;
        let flutter: f64 = [12.7, 7.1, 4.7].iter().zip(phases).map(|(hz, p)| (std::f64::consts::TAU * hz * t + p).sin()).sum();
        frame.f0 = style.f0 * (value / 12.0).exp2() * (1.0 + 0.004 * flutter);
    }
}

/// Coarticulation: formants glide (both ways in time), voicing rises with the style's attack and falls within 20 ms, noise moves fast.
fn articulate(frames: &mut [Frame], attack: f64) {
    for k in 0..5 {
        let mut track: Vec<f64> = frames.iter().map(|f| f.formants[k]).collect();
        smooth(&mut track, 0.016);
        frames.iter_mut().zip(track).for_each(|(f, v)| f.formants[k] = v);
    }
    let (mut voicing, mut aspiration, mut frication, mut hz) = (0.0, 0.0, 0.0, 4000.0);
    for f in frames.iter_mut() {
        if f.frication > 0.0 {
            hz = f.frication_hz;
        }
        voicing = approach(voicing, f.voicing, if f.voicing > voicing { attack } else { 0.014 });
        aspiration = approach(aspiration, f.aspiration, 0.010);
        frication = approach(frication, f.frication, 0.006);
        (f.voicing, f.aspiration, f.frication, f.frication_hz) = (voicing, aspiration, frication, hz);
    }
}

fn approach(from: f64, to: f64, seconds: f64) -> f64 {
    to + (from - to) * (-1.0 / (seconds * FRAMES_PER_SECOND)).exp()
}

/// First-order low-pass run forwards and backwards: no delay.
fn smooth(track: &mut [f64], seconds: f64) {
    let Some((&first, &last)) = track.first().zip(track.last()) else { return };
    let mut state = first;
    for v in track.iter_mut() {
        state = approach(state, *v, seconds);
        *v = state;
    }
    state = last;
    for v in track.iter_mut().rev() {
        state = approach(state, *v, seconds);
        *v = state;
    }
}
