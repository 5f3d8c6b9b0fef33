//! Headings of tables, in the words of many tools and some languages: what their columns mean.

use super::super::emotions::folded;

/// Other names of the column `path`.
pub const PATH_ALIASES: &[&str] = &[
    "file",
    "file_name",
    "filename",
    "audio",
    "audio_path",
    "audio_file",
    "audio_filepath",
    "audiofile",
    "wav",
    "wav_path",
    "wav_file",
    "wavfile",
    "filepath",
    "file_path",
    "fname",
    "recording",
    "clip",
    "clip_path",
    "sound",
    "datei",
    "dateiname",
    "fichier",
    "archivo",
    "arquivo",
    "bestand",
    "plik",
    "dosya",
    "файл",
    "ファイル",
    "文件",
    "文件名",
];

/// Columns that mean something, and what they are called elsewhere; compared without capitals, accents, spaces and hyphens.
const ALIASES: &[(&str, &[&str])] = &[
    ("path", PATH_ALIASES),
    (
        "label",
        &[
            "emotion",
            "class",
            "emo",
            "emotion_label",
            "emotion_class",
            "emoclass",
            "emotions",
            "label_name",
            "emotion_name",
            "utt2emo",
            "gefuhl",
            "etikett",
            "etiqueta",
            "emocion",
            "emozione",
            "emocao",
            "emocja",
            "эмоция",
            "感情",
            "情感",
            "duygu",
        ],
    ),
    (
        "speaker",
        &[
            "speaker_id",
            "spk",
            "spk_id",
            "speakerid",
            "spkid",
            "spkr",
            "speaker_name",
            "actor",
            "actor_id",
            "sprecher",
            "sprecherin",
            "locuteur",
            "hablante",
            "parlante",
            "spreker",
        ],
    ),
    ("split", &["split_set", "partition", "subset", "set"]),
    ("fold", &["cv_fold"]),
    ("start", &["start_s", "start_sec", "start_seconds", "start_time", "starttime", "begin", "begin_time", "onset", "tmin", "beginn"]),
    ("end", &["end_s", "end_sec", "end_seconds", "end_time", "endtime", "stop", "stop_time", "tmax", "ende", "fin"]),
    ("start_ms", &["begin_ms", "onset_ms"]),
    ("end_ms", &["stop_ms", "offset_ms"]),
    ("duration", &["duration_s", "dur", "length", "length_s", "duration_sec", "dauer"]),
    ("offset", &[]),
    ("weight", &["sample_weight", "loss_weight", "row_weight"]),
    ("channel", &["channel_id", "channel_number", "kanal"]),
    ("ecg", &[]),
    ("eeg", &[]),
    ("dialogue_id", &[]),
    ("utterance_id", &[]),
];

/// What a heading means; its own text where it means nothing here.
fn meaning(heading: &str) -> Option<&'static str> {
    let own = folded(heading);
    let name = |(name, others): &&(&'static str, &[&str])| own == *name || others.contains(&own.as_str());
    ALIASES.iter().find(name).map(|(name, _)| *name)
}

/// Whether a heading means something, so that a line of such is no row.
pub(super) fn is_known(heading: &str) -> bool {
    meaning(heading).is_some()
}

/// The columns of headings, in their order. One that is called as its meaning goes before others of the same meaning; `as_label` and
/// `as_speaker` are the headings that the user says to hold these.
///
/// # Errors
/// Two columns of one name, or of one meaning, or a column that is not there.
pub(super) fn columns(headings: &[&str], as_label: Option<&str>, as_speaker: Option<&str>) -> Result<Vec<String>, String> {
    let own: Vec<String> = headings.iter().map(|h| h.trim().to_string()).collect();
    let mut columns: Vec<Option<&'static str>> = own.iter().map(|h| meaning(h)).collect();
    for (asked, name) in [(as_label, "label"), (as_speaker, "speaker")] {
        let Some(asked) = asked else { continue };
        let at = own.iter().position(|h| h == asked).or_else(|| own.iter().position(|h| folded(h) == folded(asked)));
        let at = at.ok_or_else(|| format!("no column {asked:?}; the first line names {}", own.join(", ")))?;
        columns.iter_mut().filter(|c| **c == Some(name)).for_each(|c| *c = None);
        columns[at] = Some(name);
    }
    for (name, _) in ALIASES {
        let of: Vec<usize> = (0..own.len()).filter(|&i| columns[i] == Some(name)).collect();
        let exact: Vec<usize> = of.iter().copied().filter(|&i| folded(&own[i]) == *name).collect();
        match (of.len(), exact.as_slice()) {
            (0 | 1, _) => {}
            (_, [only]) => of.iter().filter(|i| *i != only).for_each(|&i| columns[i] = None),
            (_, [_, _, ..]) => return Err(format!("column {name:?} is named twice")),
            _ => {
                let which: Vec<&str> = of.iter().map(|&i| own[i].as_str()).collect();
                let way = match *name {
                    "label" => "; --emotion-from column:NAME says which",
                    "speaker" => "; --speaker-from column:NAME says which",
                    _ => "; rename the others",
                };
                return Err(format!("columns {} may all be the {name}{way}", which.join(", ")));
            }
        }
    }
    let named = |i: usize| match (columns[i], own[i].as_str()) {
        (Some(name), _) => name.to_string(),
        (None, "") => format!("column {}", i + 1),
        // Another column was said to be what this one is called.
        (None, text) if columns.iter().flatten().any(|c| *c == folded(text)) => format!("{text} of the file"),
        (None, text) => text.to_string(),
    };
    let named: Vec<String> = (0..own.len()).map(named).collect();
    match named.iter().enumerate().find(|(i, n)| named[..*i].contains(n)) {
        Some((_, twice)) => Err(format!("column {twice:?} is named twice")),
        None => Ok(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headings: &str) -> Result<String, String> {
        columns(&headings.split(',').collect::<Vec<_>>(), None, None).map(|c| c.join(","))
    }

    #[test]
    fn headings_of_other_tools() {
        for (headings, want) in [
            ("File,Emotion,Speaker ID,Split_Set,room", "path,label,speaker,split,room"),
            ("key,dataset,wav,type,sex,emo,length", "key,dataset,path,type,sex,label,duration"),
            ("ID,duration,wav,spk_id,emo", "ID,duration,path,speaker,label"),
            ("file,start,end,emotion,gender", "path,start,end,label,gender"),
            ("audio_filepath,offset,duration,label", "path,offset,duration,label"),
            ("Datei;Gefühl;Sprecher", "Datei;Gefühl;Sprecher"),
            ("Datei,Gefu\u{308}hl,Sprecher,,", ""),
            ("Datei,Gefu\u{308}hl,Sprecher,", "path,label,speaker,column 4"),
            ("path,label,emotion", "path,label,emotion"),
            ("path,file,label", "path,file,label"),
        ] {
            assert_eq!(
                of(headings).unwrap_or_default(),
                if want.is_empty() { "path,label,speaker,column 4,column 5" } else { want },
                "{headings}"
            );
        }
        assert!(of("file,wav,label").unwrap_err().contains("file, wav may all be the path"));
        assert!(of("path,emotion,emo").unwrap_err().contains("--emotion-from"));
        assert!(of("path,Path,label").unwrap_err().contains("twice") && of("path,a,a").unwrap_err().contains("twice"));
        let asked = columns(&["path", "label", "arousal_class"], Some("Arousal_Class"), None).unwrap();
        assert_eq!(asked, ["path", "label of the file", "label"]);
    }
}
