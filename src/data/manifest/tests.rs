//! Manifests of many tools.

use super::*;
use crate::audio::Part;
use crate::data::Origin;

fn read_text(name: &str, text: impl AsRef<[u8]>) -> Result<Corpus> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, text).unwrap();
    let corpus = read(&path)?;
    assert!(corpus.utterances.iter().all(|u| u.path.starts_with(dir.path())));
    Ok(corpus)
}

#[test]
fn csv_tsv_and_json_lines_agree() {
    let csv =
        read_text("m.csv", "\u{feff}File,emotion,Speaker,split,fold,room\na.wav,joy,s1,train,1,hall\n\"b,c.wav\",fear,,,2,\n").unwrap();
    let tsv =
        read_text("m.tsv", "file\temotion\tspeaker\tsplit\tfold\troom\na.wav\tjoy\ts1\ttrain\t1\thall\nb,c.wav\tfear\t\t\t2\t\n").unwrap();
    let json = read_text(
        "m.jsonl",
        "{\"path\":\"a.wav\",\"label\":\"joy\",\"speaker\":\"s1\",\"split\":\"train\",\"fold\":1,\"room\":\"hall\"}\n\n{\"path\":\"b,c.wav\",\"label\":\"fear\",\"speaker\":null,\"fold\":2,\"room\":\"\"}",
    )
    .unwrap();
    for corpus in [&csv, &tsv, &json] {
        let [a, b] = corpus.utterances.as_slice() else { panic!("{corpus:?}") };
        assert_eq!((a.label.as_str(), a.speaker.as_str(), a.split.as_deref()), ("joy", "s1", Some("train")));
        assert_eq!((a.column("fold"), a.column("room"), b.column("room"), b.column("speaker")), (Some("1"), Some("hall"), None, None));
        assert!(b.path.ends_with("b,c.wav") && b.split.is_none());
        assert_eq!((corpus.notes.len(), corpus.speaker_notes.len()), (0, 1));
        assert!(corpus.columns().contains("room") && corpus.columns().contains("fold"));
    }
}

#[test]
fn bad_manifests_name_their_line() {
    for (name, text, line, word) in [
        ("a.csv", &b"path,speaker\nx,1\n"[..], 1, "label"),
        ("b.csv", b"path,label\nx.wav,joy\ny.wav\n", 3, "1 values for 2"),
        ("c.csv", b"path,label\nx.wav,joy\nx.wav,fear\n", 3, "twice"),
        ("d.csv", b"path,label\nx.wav,\n", 1, "label"),
        ("m.csv", b"path,label\nx.wav,joy\ny.wav,joy,fear\n", 3, "3 values for 2"),
        ("n.csv", b"a.wav,joy,ann\n", 1, "headings"),
        ("o.csv", b"path,valence\na.wav,1.5\n", 1, "--target valence"),
        ("p.csv", b"path,label,start,end\na.wav,joy,2,1\n", 2, "cannot end"),
        ("q.csv", b"PK\x03\x04", 1, "CSV"),
        ("wav.scp", b"a sox a.wav -t wav - |\n", 1, "command"),
        ("e.csv", b"path,label\n,joy\n", 2, "path"),
        ("f.csv", b"path,label\nx\0.wav,joy\n", 1, "zero"),
        ("g.csv", b"path,label\n", 1, "no rows"),
        ("h.csv", b"", 1, "path"),
        ("i.csv", b"wav,label,file\nx,y,z\n", 1, "wav, file may all be the path"),
        ("j.jsonl", b"{\"path\":\"x\",\"label\":\"y\"}\n{\"path\":\n", 2, "EOF"),
        ("k.jsonl", b"{\"path\":\"x\",\"label\":[1]}", 1, "list"),
        ("l.jsonl", b"{\"path\":\"x\"}", 1, "label"),
    ] {
        match read_text(name, text) {
            Err(Error::Manifest { line: got, reason, .. }) => assert!(got == line && reason.contains(word), "{name}: {got}: {reason}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(read(Path::new("/no/such/manifest.csv")).is_err());
}

fn rows(corpus: &Corpus) -> String {
    let name = |u: &Utterance| u.name().rsplit(['/', '\\']).next().unwrap_or_default().to_string();
    corpus.utterances.iter().map(|u| format!("{} {} {}", name(u), u.label, u.speaker)).collect::<Vec<_>>().join("; ")
}

/// One list, as many programs write it.
#[test]
fn tables_of_many_tools_agree() {
    let wide: Vec<u8> = "path;label;speaker\r\na.wav;joy;ann\r\nb.wav;fear;bob\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, text) in [
        ("excel.csv", b"\xef\xbb\xbfpath;label;speaker\r\na.wav;joy;ann\r\nb.wav;fear;bob\r\n;;\r\n".to_vec()),
        ("excel2.csv", b"sep=;\r\nDatei;Emotion;Sprecher\r\n\"a.wav\";joy;ann\r\nb.wav;fear;bob\r\n".to_vec()),
        ("unicode.txt", [b"\xff\xfe".to_vec(), wide].concat()),
        ("tabs.csv", b"file\temotion\tspk\na.wav\tjoy\tann\nb.wav\tfear\tbob\n".to_vec()),
        ("pipes.txt", b"wav|emo|speaker id\na.wav|joy|ann\nb.wav|fear|bob\n".to_vec()),
        ("emobox.jsonl", b"{\"key\":\"x-1\",\"wav\":\"a.wav\",\"emo\":\"joy\",\"spk\":\"ann\",\"length\":2}\n{\"key\":\"x-2\",\"wav\":\"b.wav\",\"emo\":\"fear\",\"spk\":\"bob\"}\n".to_vec()),
        (
            "speechbrain.json",
            b"{\n\"1\":{\"wav\":\"{data_root}/a.wav\",\"length\":1.5,\"emo\":\"joy\",\"spk_id\":\"ann\"},\n\"2\":{\"wav\":\"{data_root}/b.wav\",\"emo\":\"fear\",\"spk_id\":\"bob\"}}".to_vec(),
        ),
        ("list.json", b"[{\"path\":\"a.wav\",\"label\":\"joy\",\"speaker\":\"ann\",\"tags\":[1]},\n{\"path\":\"b.wav\",\"label\":\"fear\",\"speaker\":\"bob\"}]".to_vec()),
        ("audformat.csv", b"file,start,end,emotion,speaker\na.wav,0 days,NaT,joy,ann\nb.wav,0 days 00:00:00,,fear,bob\n".to_vec()),
    ] {
        match read_text(name, &text) {
            Ok(corpus) => assert_eq!(rows(&corpus), "a.wav joy ann; b.wav fear bob", "{name}"),
            Err(e) => assert!(name == "audformat.csv" && e.to_string().contains("days"), "{name}: {e}"),
        }
    }
    for (name, text) in
        [("two.csv", "a.wav,joy\nb.wav,fear\n"), ("two.txt", "a.wav joy\n# note\nb.wav\tfear\n"), ("other.csv", "joy;a.wav\nfear;b.wav\n")]
    {
        assert_eq!(rows(&read_text(name, text).unwrap()), "a.wav joy ; b.wav fear ", "{name}");
    }
    let latin: Vec<u8> = "path;label;speaker\nmüde.wav;joy;Jürgen\nb.wav;fear;Zoë\n".chars().map(|c| c as u32 as u8).collect();
    let latin = read_text("latin.csv", latin).unwrap();
    assert_eq!(rows(&latin), "müde.wav joy Jürgen; b.wav fear Zoë");
    assert!(latin.notes[0].contains("windows-1252"), "{:?}", latin.notes);
}

#[test]
fn parts_of_one_recording_are_utterances() {
    let corpus =
        read_text("parts.csv", "path,label,start,end,room\na.wav,joy,0,0.5,hall\na.wav,fear,\"0,5\",1,hall\na.wav,joy,0:01,,hall\n")
            .unwrap();
    assert_eq!(rows(&corpus), "a.wav#t=0.000,0.500 joy ; a.wav#t=0.500,1.000 fear ; a.wav#t=1.000, joy ");
    assert_eq!(corpus.unread, ["room"]);
    let sides = read_text("sides.csv", "path,label,channel\na.wav,joy,left\na.wav,fear,2\n").unwrap();
    assert_eq!(rows(&sides), "a.wav#channel=left joy ; a.wav#channel=right fear ");
}

#[test]
fn rows_that_are_not_used_are_named() {
    let corpus = read_text("some.csv", "path,label\na.wav,joy\nb.wav,\na.wav,joy\n").unwrap();
    let left = corpus.left_out.lines(None).join("; ");
    assert!(rows(&corpus) == "a.wav joy " && left.contains("without a label") && left.contains("listed twice"), "{left}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("to_classify.csv");
    std::fs::write(&path, "path,call_id\na.wav,7\n").unwrap();
    let heard = read_heard(&path).unwrap();
    assert!(rows(&heard) == "a.wav  " && heard.notes == ["columns that are not used: call_id"], "{:?}", heard.notes);
    assert!(read(&path).unwrap_err().to_string().contains("--emotion-from column:NAME"));
    let reading = Reading { emotion: Some(Origin::Column("call_id".into())), ..Reading::default() };
    assert_eq!(rows(&read_as(&path, &reading).unwrap()), "a.wav 7 ");
}

#[test]
fn recordings_are_found_where_they_are() {
    let dir = tempfile::tempdir().unwrap();
    for file in ["wav/angry/a.wav", "wav/sad/b.flac", "wav/sad/c.wav", "wav/angry/c.wav", "x/d.wav", "x/E.WAV"] {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let path = dir.path().join("list.csv");
    let text = "path,label\nwav\\angry\\a.wav,1\nC:\\Users\\me\\wav\\sad\\b.wav,2\n/home/her/wav/sad/c.wav,3\nD.WAV,4\nc.wav,5\nelsewhere/angry/c.wav,6\ne.wav,7\n";
    std::fs::write(&path, text).unwrap();
    let corpus = read(&path).unwrap();
    let found: Vec<String> =
        corpus.utterances.iter().map(|u| u.path.strip_prefix(dir.path()).unwrap_or(&u.path).display().to_string()).collect();
    assert_eq!(found, ["wav/angry/a.wav", "wav/sad/b.flac", "wav/sad/c.wav", "x/d.wav", "c.wav", "wav/angry/c.wav", "x/E.WAV"]);
    assert!(corpus.notes.iter().any(|n| n.contains("5 of 7 paths")), "{:?}", corpus.notes);
}

#[test]
fn kaldi_folders() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("wav.scp", "r1 a.wav\nr2 b.wav\n");
    write("utt2spk", "r1 ann\nr2 bob\n");
    write("utt2emo", "r1 joy\nr2 fear\n");
    let open = || crate::data::open(dir.path()).unwrap();
    assert_eq!(rows(&open()), "a.wav joy ann; b.wav fear bob");
    write("segments", "u1 r1 0.5 1\nu2 r1 1 -1\n");
    write("utt2spk", "u1 ann\nu2 ann\n");
    write("utt2emo", "u1 joy\nu2 fear\n");
    assert_eq!(rows(&open()), "a.wav#t=0.500,1.000 joy ann; a.wav#t=1.000, fear ann");
}

#[test]
fn meld_tables_name_no_files() {
    let dir = tempfile::tempdir().unwrap();
    for file in
        ["train/train_splits/dia0_utt0.mp4", "dev/dev_splits_complete/dia0_utt0.mp4", "test/output_repeated_splits_test/dia0_utt0.mp4"]
    {
        let path = dir.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let head = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n";
    for (side, emotion) in [("train", "joy"), ("dev", "anger"), ("test", "sadness")] {
        let row = format!("1,\"Hi, there\",Ross,{emotion},neutral,0,0,8,21,\"00:16:16,059\",\"00:16:21,731\"\n");
        std::fs::write(dir.path().join(format!("{side}_sent_emo.csv")), format!("{head}{row}")).unwrap();
    }
    let corpus = crate::data::open(dir.path()).unwrap();
    assert!(corpus.utterances.iter().all(|u| u.part == Part::default() && u.speaker == "Ross"), "times are those of the episode");
    let found: Vec<(String, &str, &str)> = corpus
        .utterances
        .iter()
        .map(|u| (u.path.strip_prefix(dir.path()).unwrap().display().to_string(), u.label.as_str(), u.split.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(found[0], ("dev/dev_splits_complete/dia0_utt0.mp4".to_string(), "anger", "valid"));
    assert_eq!(found[1], ("test/output_repeated_splits_test/dia0_utt0.mp4".to_string(), "sadness", "test"));
    assert_eq!(found[2], ("train/train_splits/dia0_utt0.mp4".to_string(), "joy", "train"));
}
