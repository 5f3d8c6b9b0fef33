//! The stages of training: what each one learns from, and which parameters it moves.

use super::config::StageName as Stage;

impl Stage {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freezing_is_complete() {
        for p in ["cnn.conv1.weight", "cnn.layer1.0.bn1.bias", "cnn.layer1.0.se.fc1.weight"] {
            assert!(!Stage::Emotion.trains(p) && Stage::Voiceprint.trains(p) && Stage::Single.trains(p));
        }
        assert!(Stage::Emotion.trains("head.bias") && !Stage::Voiceprint.trains("head.bias"));
    }
}
