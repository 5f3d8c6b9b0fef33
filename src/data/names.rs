//! What a recording's name says in the well-known corpora. Labels are nouns, the same in every corpus, so that corpora merge.

use super::emotions::noun;

/// What a name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) label: &'static str,
    pub(super) speaker: String,
    pub(super) split: Option<String>,
    pub(super) extra: Vec<(&'static str, String)>,
}

/// A recording's place: folders from the corpus root down, and the name without extension.
pub(super) struct Place<'a> {
    pub(super) folders: Vec<&'a str>,
    pub(super) stem: &'a str,
}

/// A naming scheme.
pub(super) struct Scheme {
    pub(super) name: &'static str,
    pub(super) read: fn(&Place<'_>) -> Option<Named>,
}

/// The schemes, the stricter first.
pub(super) const SCHEMES: &[Scheme] = &[
    Scheme { name: "ravdess", read: ravdess },
    Scheme { name: "crema-d", read: crema_d },
    Scheme { name: "restrans", read: restrans },
    Scheme { name: "emovo", read: emovo },
    Scheme { name: "tess", read: tess },
    Scheme { name: "esd", read: esd },
    Scheme { name: "casia", read: casia },
    Scheme { name: "jl", read: jl },
    Scheme { name: "subesco", read: subesco },
    Scheme { name: "cafe", read: cafe },
    Scheme { name: "urdu", read: urdu },
    Scheme { name: "shemo", read: shemo },
    Scheme { name: "savee", read: savee },
    Scheme { name: "emodb", read: emodb },
];

fn named(label: &'static str, speaker: impl Into<String>, extra: &[(&'static str, &str)]) -> Option<Named> {
    let extra = extra.iter().map(|(k, v)| (*k, (*v).to_string())).collect();
    Some(Named { label, speaker: speaker.into(), split: None, extra })
}

fn digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

/// `03-01-06-01-02-01-12`: modality, channel, emotion, intensity, statement, repetition, actor (Livingstone and Russo 2018).
fn ravdess(place: &Place<'_>) -> Option<Named> {
    let parts: Vec<&str> = place.stem.split('-').collect();
    let [_, channel, emotion, intensity, statement, repetition, actor] = parts[..] else { return None };
    if !parts.iter().all(|p| digits(p, 2)) {
        return None;
    }
    let labels = ["neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise"];
    let label = labels.get(emotion.parse::<usize>().ok()?.checked_sub(1)?)?;
    let channel = if channel == "02" { "song" } else { "speech" };
    named(label, actor, &[("sentence", statement), ("intensity", intensity), ("repetition", repetition), ("channel", channel)])
}

/// `1001_DFA_ANG_XX`: actor, sentence, emotion, level (Cao et al. 2014).
fn crema_d(place: &Place<'_>) -> Option<Named> {
    let parts: Vec<&str> = place.stem.split('_').collect();
    let [actor, sentence, emotion, level] = parts[..] else { return None };
    let fits = digits(actor, 4) && sentence.len() == 3 && emotion.len() == 3 && matches!(level, "LO" | "MD" | "HI" | "XX" | "X");
    fits.then(|| named(noun(emotion)?, actor, &[("sentence", sentence), ("intensity", level)]))?
}

/// `no10_part1_seq12`, `no10_2_part3_seq7`: speaker, class (happiness, sadness, anger, gentleness), prompt; `enh_` marks denoised files.
fn restrans(place: &Place<'_>) -> Option<Named> {
    let stem = place.stem.trim_start_matches("enh_");
    let (head, prompt) = stem.split_once("_seq")?;
    let (head, class) = head.split_once("_part")?;
    let speaker = head.split('_').next()?;
    let number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let prompt = prompt.split('_').next()?;
    if !number(speaker.strip_prefix("no")?) || !number(prompt) {
        return None;
    }
    let label = ["happiness", "sadness", "anger", "gentleness"].get(class.parse::<usize>().ok()?.checked_sub(1)?)?;
    named(label, speaker, &[("sentence", prompt)])
}

/// `dis-f1-b1`: emotion in Italian, speaker, sentence (Costantini et al. 2014).
fn emovo(place: &Place<'_>) -> Option<Named> {
    let parts: Vec<&str> = place.stem.split('-').collect();
    let [emotion, speaker, sentence] = parts[..] else { return None };
    let label = match emotion {
        "dis" => "disgust",
        "gio" => "happiness",
        "rab" => "anger",
        "neu" => "neutral",
        "pau" => "fear",
        "sor" => "surprise",
        "tri" => "sadness",
        _ => return None,
    };
    let sex = speaker.strip_prefix(['f', 'm'])?;
    digits(sex, 1).then(|| named(label, speaker, &[("sentence", sentence)]))?
}

/// `OAF_back_angry`: speaker, word, emotion, `ps` for pleasant surprise (Pichora-Fuller and Dupuis 2020). One file says `OA`.
fn tess(place: &Place<'_>) -> Option<Named> {
    let mut parts = place.stem.splitn(3, '_');
    let speaker = match parts.next()? {
        "OAF" | "OA" => "OAF",
        "YAF" => "YAF",
        _ => return None,
    };
    let word = parts.next()?;
    named(noun(parts.next()?)?, speaker, &[("sentence", word)])
}

/// `0011_000351`: speaker, sentence of 350 in the order neutral, angry, happy, sad, surprise (Zhou et al. 2021). Folders may
/// name the emotion and the side.
fn esd(place: &Place<'_>) -> Option<Named> {
    let (speaker, number) = place.stem.split_once('_')?;
    if !digits(speaker, 4) || !digits(number, 6) {
        return None;
    }
    let index = number.parse::<usize>().ok()?.checked_sub(1)?;
    let by_number = ["neutral", "anger", "happiness", "sadness", "surprise"].get(index / 350);
    let label = place.folders.iter().find_map(|f| noun(f)).or(by_number.copied())?;
    let mut out = named(label, speaker, &[("sentence", &format!("{:03}", index % 350 + 1))])?;
    out.split = place.folders.iter().find_map(|f| super::sides::side(f).map(|_| f.to_ascii_lowercase()));
    Some(out)
}

/// `liuchanhg/angry/201` or `201-angry-liuchanhg`: four speakers of the Chinese Academy of Sciences' corpus.
fn casia(place: &Place<'_>) -> Option<Named> {
    let known = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["liuchan", "wangzhe", "zhaoquanyin", "zhaozuoxiang"].iter().any(|s| name.starts_with(s)).then_some(name)
    };
    if let [.., speaker, emotion] = place.folders[..]
        && let (Some(speaker), Some(label)) = (known(speaker), noun(emotion))
    {
        return named(label, speaker, &[("sentence", place.stem)]);
    }
    let parts: Vec<&str> = place.stem.split('-').collect();
    let [sentence, emotion, speaker] = parts[..] else { return None };
    named(noun(emotion)?, known(speaker)?, &[("sentence", sentence)])
}

/// `DC_a01` or `DC/a01`: speaker, emotion letters, sentence (Haq and Jackson 2009).
fn savee(place: &Place<'_>) -> Option<Named> {
    let (speaker, rest) = match place.stem.split_once('_') {
        Some(pair) => pair,
        None => (*place.folders.last()?, place.stem),
    };
    if !matches!(speaker, "DC" | "JE" | "JK" | "KL") {
        return None;
    }
    let at = rest.find(|c: char| c.is_ascii_digit())?;
    let label = match &rest[..at] {
        "a" => "anger",
        "d" => "disgust",
        "f" => "fear",
        "h" => "happiness",
        "n" => "neutral",
        "sa" => "sadness",
        "su" => "surprise",
        _ => return None,
    };
    digits(&rest[at..], 2).then(|| named(label, speaker, &[("sentence", rest)]))?
}

/// `03a01Fa`: speaker, text, emotion (German initial), version (Burkhardt et al. 2005).
fn emodb(place: &Place<'_>) -> Option<Named> {
    let stem = place.stem;
    if !stem.is_ascii()
        || !matches!(stem.len(), 6 | 7)
        || !digits(&stem[..2], 2)
        || !matches!(&stem[2..3], "a" | "b")
        || !digits(&stem[3..5], 2)
    {
        return None;
    }
    let label = match &stem[5..6] {
        "W" => "anger",
        "L" => "boredom",
        "E" => "disgust",
        "A" => "fear",
        "F" => "happiness",
        "T" => "sadness",
        "N" => "neutral",
        _ => return None,
    };
    stem[6..].bytes().all(|b| b.is_ascii_lowercase()).then(|| named(label, &stem[..2], &[("sentence", &stem[2..5])]))?
}

/// `female1_angry_10a_1`: speaker, emotion, sentence, repetition (James et al. 2018).
fn jl(place: &Place<'_>) -> Option<Named> {
    let parts: Vec<&str> = place.stem.split('_').collect();
    let [speaker, emotion, sentence, repetition] = parts[..] else { return None };
    let number = speaker.strip_prefix("female").or_else(|| speaker.strip_prefix("male"))?;
    let secondary = ["anxious", "apologetic", "assertive", "concerned", "encouraging"];
    let label = secondary.into_iter().find(|s| *s == emotion).or_else(|| noun(emotion))?;
    (digits(number, 1) && digits(repetition, 1)).then(|| named(label, speaker, &[("sentence", sentence), ("repetition", repetition)]))?
}

/// `F_01_OISHI_S_1_ANGRY_1`: sex, number and name of the speaker, sentence, emotion, take (Sultana et al. 2021).
fn subesco(place: &Place<'_>) -> Option<Named> {
    let parts: Vec<&str> = place.stem.split('_').collect();
    let [sex, number, _, "S", sentence, emotion, take] = parts[..] else { return None };
    (matches!(sex, "F" | "M") && digits(number, 2))
        .then(|| named(noun(emotion)?, format!("{sex}{number}"), &[("sentence", sentence), ("repetition", take)]))?
}

/// `01-C-1-3`: actor, emotion (French initial), intensity, sentence (Gournay et al. 2018).
fn cafe(place: &Place<'_>) -> Option<Named> {
    let parts: Vec<&str> = place.stem.split('-').collect();
    let [actor, emotion, intensity, sentence] = parts[..] else { return None };
    let label = match emotion {
        "C" => "anger",
        "D" => "disgust",
        "J" => "happiness",
        "N" => "neutral",
        "P" => "fear",
        "S" => "surprise",
        "T" => "sadness",
        _ => return None,
    };
    let fits = digits(actor, 2) && digits(intensity, 1) && digits(sentence, 1);
    fits.then(|| named(label, actor, &[("intensity", intensity), ("sentence", sentence)]))?
}

/// `SM1_F1_A01`: sex and number of the speaker, file, emotion's initial and number (Latif et al. 2018).
fn urdu(place: &Place<'_>) -> Option<Named> {
    let (speaker, rest) = place.stem.split_once('_')?;
    let last = rest.split_once('_')?.1;
    let number = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let fits = speaker.strip_prefix("SM").or_else(|| speaker.strip_prefix("SF")).is_some_and(number) && number(last.get(1..)?);
    fits.then(|| named(by_initial(&last[..1]).filter(|l| !matches!(*l, "fear" | "surprise"))?, speaker, &[]))?
}

/// `F01A02`: sex and number of the speaker, emotion's initial, number (Mohamad Nezami et al. 2019).
fn shemo(place: &Place<'_>) -> Option<Named> {
    let stem = place.stem;
    let fits = stem.is_ascii() && stem.len() == 6 && matches!(&stem[..1], "F" | "M") && digits(&stem[1..3], 2) && digits(&stem[4..], 2);
    fits.then(|| named(by_initial(&stem[3..4])?, &stem[..3], &[]))?
}

fn by_initial(letter: &str) -> Option<&'static str> {
    Some(match letter {
        "A" => "anger",
        "F" => "fear",
        "H" => "happiness",
        "N" => "neutral",
        "S" => "sadness",
        "W" => "surprise",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Vec<(&'static str, Named)> {
        let mut folders: Vec<&str> = path.split('/').collect();
        let stem = folders.pop().unwrap();
        let place = Place { folders, stem };
        SCHEMES.iter().filter_map(|s| Some((s.name, (s.read)(&place)?))).collect()
    }

    #[test]
    fn each_name_has_one_reading() {
        for (path, scheme, label, speaker) in [
            ("Actor_12/03-01-06-01-02-01-12", "ravdess", "fear", "12"),
            ("03-02-03-01-02-01-07", "ravdess", "happiness", "07"),
            ("AudioWAV/1001_DFA_ANG_XX", "crema-d", "anger", "1001"),
            ("no10_part1_seq12", "restrans", "happiness", "no10"),
            ("enh_enh_no36_2_part4_seq43", "restrans", "gentleness", "no36"),
            ("f1/gio-f1-l2", "emovo", "happiness", "f1"),
            ("OAF_Fear/OAF_back_fear", "tess", "fear", "OAF"),
            ("YAF_dog_ps", "tess", "surprise", "YAF"),
            ("OA_bite_neutral", "tess", "neutral", "OAF"),
            ("0011/Angry/0011_000351", "esd", "anger", "0011"),
            ("0011_001401", "esd", "surprise", "0011"),
            ("liuchanhg/angry/201", "casia", "anger", "liuchanhg"),
            ("201-sad-ZhaoZuoxiang", "casia", "sadness", "zhaozuoxiang"),
            ("female1_angry_10a_1", "jl", "anger", "female1"),
            ("male2_apologetic_3b_2", "jl", "apologetic", "male2"),
            ("F_01_OISHI_S_1_ANGRY_1", "subesco", "anger", "F01"),
            ("Colère/01-C-1-3", "cafe", "anger", "01"),
            ("SF7_F6_H044", "urdu", "happiness", "SF7"),
            ("Angry/SM1_F1_A01", "urdu", "anger", "SM1"),
            ("M12W03", "shemo", "surprise", "M12"),
            ("DC_a01", "savee", "anger", "DC"),
            ("AudioData/KL/sa15", "savee", "sadness", "KL"),
            ("wav/03a01Fa", "emodb", "happiness", "03"),
            ("16b10Wb", "emodb", "anger", "16"),
        ] {
            let readings = read(path);
            assert_eq!(readings.len(), 1, "{path}: {readings:?}");
            let (name, named) = &readings[0];
            assert_eq!((*name, named.label, named.speaker.as_str()), (scheme, label, speaker), "{path}");
        }
        assert_eq!(read("0012/Sad/evaluation/0012_001060")[0].1.split.as_deref(), Some("evaluation"));
    }

    #[test]
    fn other_names_have_none() {
        for path in [
            "",
            "speech",
            "03-01-09-01-02-01-12",
            "03-01-06-01-02-01",
            "1001_DFA_XYZ_XX",
            "no1_part5_seq1",
            "nox_part1_seq1",
            "03a01Xa",
            "é3a01Fa",
            "DC_x01",
            "0011_009999",
            "a-b-c",
            "F01X02",
            "01-X-1-1",
            "SM1_F1_W01",
            "female1_angry_10a",
        ] {
            assert_eq!(read(path), [], "{path}");
        }
    }
}
