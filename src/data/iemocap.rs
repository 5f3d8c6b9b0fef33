//! IEMOCAP (Busso et al. 2008): recordings `Ses01F_impro01_F000`, labels in `EmoEvaluation/Ses01F_impro01.txt`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{Corpus, LeftOut, Utterance, emotions::noun};
use crate::{Error, Result};

/// Joins recordings and labels, both below `root`. The speaker is session and sex, `Ses01F`; columns `session` and `dialogue`, fold = session.
/// Turns without an agreed emotion (`xxx`) or with `oth` are left out.
pub(super) fn read(root: &Path, recordings: &[PathBuf], evaluations: &[PathBuf]) -> Result<Corpus> {
    let mut labels: HashMap<String, String> = HashMap::new();
    for file in evaluations {
        let path = root.join(file);
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        labels.extend(String::from_utf8_lossy(&bytes).lines().filter_map(turn));
    }
    let (mut utterances, mut left_out) = (Vec::new(), LeftOut::default());
    for path in recordings {
        // Whole dialogues and motion-capture takes lie beside the turns.
        let Some((stem, speaker)) = path.file_stem().and_then(|s| s.to_str()).and_then(|s| Some((s, speaker(s)?))) else { continue };
        match labels.get(stem).map(|l| noun(l)) {
            Some(Some(label)) => {
                let session = speaker[4..5].to_string();
                let dialogue = stem.rsplit_once('_').map_or(stem, |(d, _)| d).to_string();
                utterances.push(Utterance {
                    path: root.join(path),
                    label: label.into(),
                    speaker,
                    split: None,
                    fold: Some(session.clone()),
                    extra: [("session".into(), session), ("dialogue".into(), dialogue)].into(),
                    ..Utterance::default()
                });
            }
            Some(None) => left_out.add("a turn without an agreed emotion", root.join(path)),
            None => left_out.add("a turn without a label in EmoEvaluation", root.join(path)),
        }
    }
    if utterances.is_empty() {
        return Err(Error::Data(format!("{}: EmoEvaluation files, but no recordings they label", root.display())));
    }
    Ok(Corpus { name: "iemocap".into(), utterances, left_out, ..Corpus::default() })
}

/// `[6.2901 - 8.2357] Ses01F_impro01_F000 neu [2.5000, 2.5000, 2.5000]`, with tabs between the fields, to (turn, label).
fn turn(line: &str) -> Option<(String, String)> {
    let mut fields = line.strip_prefix('[')?.split('\t').skip(1);
    let (turn, label) = (fields.next()?.trim(), fields.next()?.trim());
    speaker(turn).map(|_| (turn.into(), label.into()))
}

/// Speaker of a turn: the session and the sex of who speaks, which the last part says; the first tells who wears the markers.
fn speaker(turn: &str) -> Option<String> {
    let (head, last) = turn.rsplit_once('_')?;
    let (sex, number) = last.split_at_checked(1)?;
    let session = head.get(..5).filter(|s| s.starts_with("Ses0") && s.as_bytes()[4].is_ascii_digit())?;
    let fits = matches!(sex, "F" | "M") && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| format!("{session}{sex}"))
}

#[cfg(test)]
mod tests {
    use crate::data::open;

    #[test]
    fn turns_and_labels_are_joined() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        for turn in ["F000", "M000", "F001", "M001"] {
            write(&format!("Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_{turn}.wav"), "");
        }
        write("Session1/dialog/wav/Ses01F_impro01.wav", "");
        write(
            "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt",
            "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n[6.29 - 8.23]\tSes01F_impro01_F000\tneu\t[2.5, 2.5, 2.5]\nC-E2:\tNeutral;\t()\n\
             [9.0 - 10.0]\tSes01F_impro01_M000\texc\t[2.5, 2.5, 2.5]\n[11.0 - 12.0]\tSes01F_impro01_F001\txxx\t[2.5, 2.5, 2.5]\n",
        );
        write("Session1/dialog/EmoEvaluation/Categorical/Ses01F_impro01_e2_cat.txt", "Ses01F_impro01_M001 :Anger; ()\n");
        let corpus = open(dir.path()).unwrap();
        let rows: Vec<_> = corpus.utterances.iter().map(|u| (u.label.as_str(), u.speaker.as_str(), u.column("session"))).collect();
        assert_eq!(rows, [("neutral", "Ses01F", Some("1")), ("excitement", "Ses01M", Some("1"))]);
        assert_eq!(corpus.left_out.len(), 2);
    }
}
