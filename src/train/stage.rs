//! The stages of training: what each one learns from, and which parameters it moves.

use crate::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// A training stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Speaker identification on the CNN's maps (the paper's first stage).
    Voiceprint,
    /// Emotion on the frozen CNN (the paper's second stage).
    Emotion,
    /// Emotion with everything trained, after a frozen stage.
    Finetune,
    /// Emotion end to end from the start ("single task").
    Single,
    /// Weighted sum of both losses.
    Joint,
}

/// All stages, in the order they may follow each other.
pub const STAGES: [Stage; 5] = [Stage::Voiceprint, Stage::Emotion, Stage::Finetune, Stage::Single, Stage::Joint];

impl Stage {
    /// The name in configurations, reports and file names.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Voiceprint => "voiceprint",
            Stage::Emotion => "emotion",
            Stage::Finetune => "finetune",
            Stage::Single => "single",
            Stage::Joint => "joint",
        }
    }

    /// Whether a parameter of that name is trained in this stage.
    pub fn trains(self, parameter: &str) -> bool {
        let cnn = parameter.starts_with("cnn.");
        let speaker = parameter.starts_with("voiceprint.");
        match self {
            Stage::Voiceprint => cnn || speaker,
            Stage::Emotion => !cnn && !speaker,
            Stage::Finetune | Stage::Single => !speaker,
            Stage::Joint => true,
        }
    }

    /// Whether the speaker is a target.
    pub fn uses_speaker(self) -> bool {
        matches!(self, Stage::Voiceprint | Stage::Joint)
    }

    /// Whether the emotion is a target.
    pub fn uses_emotion(self) -> bool {
        self != Stage::Voiceprint
    }

    /// Whether the CNN's weights stay as they are.
    pub fn freezes_cnn(self) -> bool {
        self == Stage::Emotion
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Stage {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        STAGES.into_iter().find(|stage| stage.name() == s).ok_or_else(|| {
            let names: Vec<&str> = STAGES.iter().map(|s| s.name()).collect();
            Error::Config(format!("unknown stage {s:?}; the stages are {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_freezing_is_complete() {
        for s in STAGES {
            assert_eq!(s.name().parse::<Stage>().unwrap(), s);
        }
        assert!("emotoin".parse::<Stage>().is_err());
        for p in ["cnn.conv1.weight", "cnn.layer1.0.bn1.bias", "cnn.layer1.0.se.fc1.weight"] {
            assert!(!Stage::Emotion.trains(p) && Stage::Voiceprint.trains(p) && Stage::Single.trains(p));
        }
        assert!(Stage::Emotion.trains("head.bias") && !Stage::Voiceprint.trains("head.bias"));
    }
}
