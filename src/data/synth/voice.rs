//! Who speaks and how they feel: speakers, emotion profiles and the style of one utterance.
//!
//! The profiles follow the directions that reviews of vocal emotion agree on (Murray and Arnott 1993, table 1; Banse and Scherer 1996;
//! Juslin and Laukka 2003, table 11); the magnitudes are ours, chosen so that classes overlap in every single cue:
//! * happiness: high, wide and rising pitch, fast, medium-high energy, bright, spread lips, little irregularity;
//! * sadness: low, narrow and falling pitch, slow with pauses, low energy, dark, slow onsets, slightly irregular, reduced vowels;
//! * anger: raised pitch with steep falls, fast, loud, the flattest spectrum, abrupt onsets, rough (jitter and shimmer), open vowels;
//! * gentleness (their tenderness): pitch near the speaker's own, little range, slow, soft, breathy, smooth and regular, slow onsets.

use super::source_filter::Quality;
use crate::random::Rng;

/// One person.
#[derive(Clone, Debug)]
pub(crate) struct Speaker {
    /// Habitual fundamental frequency, Hz.
    pub f0: f64,
    /// Formant scale: 1 for a vocal tract of about 17 cm, larger for shorter ones; F4 and F5 are personal, hence five factors.
    pub formant_scale: [f64; 5],
    /// Aspiration relative to other people, dB.
    breath_db: f64,
    /// Spectral tilt relative to other people, dB at 3 kHz.
    tilt_db: f64,
    /// Tempo relative to other people.
    tempo: f64,
    /// How strongly this person shows emotion.
    expressive: f64,
    /// Loudness at the microphone relative to other people, dB.
    level_db: f64,
    /// Irregularity of the folds relative to other people.
    rough: f64,
    /// Background noise of this person's recordings, dB re full scale.
    pub floor_db: f64,
    /// Centre of this person's sibilants relative to the average.
    pub sibilant: f64,
}

impl Speaker {
    /// Speaker `index` of the corpus with `seed`. Even ones have long vocal tracts and low voices, odd ones short tracts and high voices.
    pub(crate) fn new(seed: u64, index: usize) -> Self {
        let mut rng = Rng::new(seed, &[0x5eaa, index as u64]);
        let high = index % 2 == 1;
        let scale = if high { rng.range(1.10, 1.24) } else { rng.range(0.93, 1.05) };
        let f0 = if high { rng.range(175.0, 225.0) } else { rng.range(92.0, 135.0) };
        let formant_scale = [0.025, 0.03, 0.04, 0.05, 0.05].map(|spread| scale * (1.0 + spread * rng.normal()));
        Speaker {
            f0,
            formant_scale,
            breath_db: 2.0 * rng.normal() + if high { 2.0 } else { 0.0 },
            tilt_db: 1.2 * rng.normal() + if high { 1.0 } else { 0.0 },
            tempo: rng.range(0.92, 1.08),
            expressive: rng.range(0.93, 1.12),
            level_db: 1.5 * rng.normal(),
            rough: rng.range(0.7, 1.4),
            floor_db: rng.range(-70.0, -62.0),
            sibilant: rng.range(0.88, 1.12),
        }
    }
}

/// The centre of one emotion. Pitch in semitones about the speaker's own, levels in dB about 0, tempo in syllables per second.
struct Profile {
    name: &'static str,
    pitch: f64,
    accent: f64,
    slope: f64,
    syllables: f64,
    level_db: f64,
    tilt_db: f64,
    open_quotient: f64,
    breath_db: f64,
    jitter: f64,
    shimmer: f64,
    attack_ms: f64,
    pause: f64,
    lips: f64,
    jaw: f64,
    reduction: f64,
    abrupt: f64,
}

/// What everyone sounds like without emotion; an utterance's strength scales the distance from here.
const NEUTRAL: Profile = Profile {
    name: "neutral",
    pitch: 0.5,
    accent: 2.4,
    slope: -1.5,
    syllables: 4.4,
    level_db: 0.0,
    tilt_db: 8.0,
    open_quotient: 0.58,
    breath_db: -24.0,
    jitter: 0.006,
    shimmer: 0.04,
    attack_ms: 22.0,
    pause: 0.06,
    lips: 0.0,
    jaw: 0.0,
    reduction: 0.0,
    abrupt: 0.3,
};

#[rustfmt::skip]
const PROFILES: [Profile; 4] = [
    Profile { name: "happiness", pitch: 6.0, accent: 6.0, slope: 2.5, syllables: 5.6, level_db: 2.5, tilt_db: 6.5, open_quotient: 0.55,
        breath_db: -26.0, jitter: 0.004, shimmer: 0.03, attack_ms: 15.0, pause: 0.03, lips: 0.08, jaw: 0.02, reduction: -0.05, abrupt: 0.3 },
    Profile { name: "sadness", pitch: -2.2, accent: 1.0, slope: -3.2, syllables: 3.0, level_db: -8.0, tilt_db: 17.0, open_quotient: 0.60,
        breath_db: -25.0, jitter: 0.014, shimmer: 0.08, attack_ms: 50.0, pause: 0.26, lips: -0.03, jaw: -0.03, reduction: 0.35, abrupt: 0.1 },
    Profile { name: "anger", pitch: 3.0, accent: 3.6, slope: -1.8, syllables: 5.1, level_db: 6.5, tilt_db: 0.5, open_quotient: 0.42,
        breath_db: -32.0, jitter: 0.030, shimmer: 0.16, attack_ms: 6.0, pause: 0.05, lips: 0.01, jaw: 0.10, reduction: -0.15, abrupt: 1.0 },
    Profile { name: "gentleness", pitch: -0.4, accent: 1.9, slope: -1.0, syllables: 3.9, level_db: -5.5, tilt_db: 13.0, open_quotient: 0.74,
        breath_db: -11.0, jitter: 0.003, shimmer: 0.02, attack_ms: 42.0, pause: 0.05, lips: 0.02, jaw: -0.02, reduction: 0.10, abrupt: 0.0 },
];

/// The label of emotion `index` (0..4).
pub(crate) fn label(index: usize) -> &'static str {
    PROFILES[index % PROFILES.len()].name
}

/// One utterance's manner: an emotion as this speaker shows it this time.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    /// Middle of the pitch contour, Hz.
    pub f0: f64,
    /// Size of a typical pitch accent, semitones.
    pub accent: f64,
    /// Change of pitch from the first to the last syllable, semitones.
    pub slope: f64,
    /// Syllables per second, pauses excluded.
    pub syllables: f64,
    /// Voicing amplitude, linear.
    pub level: f64,
    /// Aspiration amplitude relative to voicing, linear.
    pub breath: f64,
    /// Rise time of voicing, seconds.
    pub attack: f64,
    /// Probability of a pause after a syllable.
    pub pause: f64,
    /// Relative shift of all formants by spread (+) or rounded (-) lips.
    pub lips: f64,
    /// Relative shift of F1 by an open (+) or closed (-) jaw.
    pub jaw: f64,
    /// How far vowels move towards schwa (1: all the way; negative: exaggerated).
    pub reduction: f64,
    /// 0: smooth round accents; 1: early peaks with steep falls.
    pub abrupt: f64,
    /// The source's constant part.
    pub quality: Quality,
}

impl Style {
    /// Draws the manner of one utterance: the profile approached with a random strength, plus variation in every cue.
    pub(crate) fn draw(emotion: usize, speaker: &Speaker, rng: &mut Rng) -> Self {
        let target = &PROFILES[emotion % PROFILES.len()];
        let strength = (speaker.expressive * rng.range(0.9, 1.2)).clamp(0.6, 1.3);
        let towards = |pick: fn(&Profile) -> f64| pick(&NEUTRAL) + strength * (pick(target) - pick(&NEUTRAL));
        let pitch = towards(|p| p.pitch) + 0.8 * rng.normal();
        let positive = |v: f64, spread: f64, rng: &mut Rng| v.max(0.0) * (1.0 + spread * rng.normal()).max(0.3);
        let level_db = towards(|p| p.level_db) + speaker.level_db + 1.5 * rng.normal();
        let tilt_db = (towards(|p| p.tilt_db) + speaker.tilt_db + 1.0 * rng.normal()).max(0.0);
        let breath_db = towards(|p| p.breath_db) + speaker.breath_db + 1.5 * rng.normal();
        let open_quotient = (towards(|p| p.open_quotient) + 0.03 * rng.normal()).clamp(0.32, 0.85);
        Style {
            f0: speaker.f0 * (pitch / 12.0).exp2(),
            accent: positive(towards(|p| p.accent), 0.2, rng),
            slope: towards(|p| p.slope) + 1.0 * rng.normal(),
            syllables: positive(towards(|p| p.syllables), 0.08, rng).clamp(2.2, 7.5) * speaker.tempo,
            level: 10f64.powf(level_db / 20.0),
            breath: 10f64.powf(breath_db / 20.0),
            attack: positive(towards(|p| p.attack_ms), 0.2, rng).max(3.0) / 1000.0,
            pause: towards(|p| p.pause).clamp(0.0, 0.4),
            lips: towards(|p| p.lips) + 0.008 * rng.normal(),
            jaw: towards(|p| p.jaw) + 0.02 * rng.normal(),
            reduction: (towards(|p| p.reduction) + 0.05 * rng.normal()).clamp(-0.25, 0.6),
            abrupt: (towards(|p| p.abrupt) + 0.1 * rng.normal()).clamp(0.0, 1.0),
            quality: Quality {
                open_quotient,
                tilt_db,
                jitter: positive(towards(|p| p.jitter), 0.2, rng) * speaker.rough,
                shimmer: positive(towards(|p| p.shimmer), 0.2, rng) * speaker.rough,
                // A glottis that stays open longer couples the trachea and broadens the formants.
                damping: 0.8 + 0.6 * (open_quotient - 0.4).max(0.0),
            },
        }
    }
}
