use super::*;

fn message(result: Result<impl std::fmt::Debug>) -> String {
    result.expect_err("must fail").to_string()
}

fn changed(assignments: &[&str]) -> Result<Config> {
    let mut config = Config::preset("small")?;
    assignments.iter().try_for_each(|a| config.set(a))?;
    config.check()?;
    Ok(config)
}

#[test]
fn presets_are_valid_and_survive_printing() {
    let mut hashes = Vec::new();
    for name in Config::PRESETS {
        let config = Config::preset(name).unwrap();
        config.check().unwrap();
        let text = config.to_toml().unwrap();
        assert_eq!(Config::parse(&text, "printed").unwrap(), config, "{name}");
        assert_eq!(Config::parse(&format!("preset = {name:?}"), "named").unwrap(), config);
        let hash = config.hash().unwrap();
        assert_eq!(hash.len(), 64);
        hashes.push(hash);
    }
    hashes.dedup();
    assert_eq!(hashes.len(), Config::PRESETS.len(), "presets are alike");
    assert!(Config::preset("tiny").unwrap().to_toml().unwrap().contains("\n[augment.horizontal_mixup]\nratio = 0.3\na = 0.05\nb = 1.25\n"));
    let paper = Config::preset("paper").unwrap();
    assert_eq!((paper.image.size, paper.model.width, paper.model.depth, paper.model.heads, paper.train.batch), (256, 64, 6, 8, 12));
    assert_eq!((paper.stage(StageName::Emotion).lr, paper.stage(StageName::Emotion).epochs), (5e-4, 60));
    assert_eq!((paper.model.features(), paper.model.feed_forward()), (512, 2048));
}

#[test]
fn overrides_of_every_type() {
    let c = changed(&[
        "train.batch = 24",
        "train.betas=[0, 0.99]",
        "frontend.pre_emphasis=0",
        "frontend.window=hann",
        "model.norm=\"post\"",
        "model.se=false",
        "train.stages=single,joint",
        "augment.horizontal_mixup.a=1e-1",
        "stage.single.lr=3e-4",
    ])
    .unwrap();
    assert_eq!((c.train.batch, c.train.betas, c.frontend.pre_emphasis), (24, [0.0, 0.99], 0.0));
    assert_eq!((c.frontend.window, c.model.norm, c.model.se), (Window::Hann, NormPlace::Post, false));
    assert_eq!(c.train.stages, [StageName::Single, StageName::Joint]);
    assert_eq!((c.augment.horizontal_mixup.a, c.stage.single.lr), (0.1, 3e-4));
    assert_eq!(changed(&["train.stages=[\"joint\"]"]).unwrap().train.stages, [StageName::Joint]);
    assert_eq!(changed(&["train.stages=single"]).unwrap().train.stages, [StageName::Single]);
}

#[test]
fn hash_follows_values_not_their_writing() {
    let base = Config::preset("small").unwrap();
    let same = Config::parse("# a comment\n[train]\nclip_norm = 5\n", "x").unwrap();
    assert_eq!(base.hash().unwrap(), same.hash().unwrap());
    assert_ne!(base.hash().unwrap(), changed(&["train.clip_norm=5.5"]).unwrap().hash().unwrap());
}

#[test]
fn unknown_names_suggest_the_nearest() {
    let cases = [
        ("train.bacth=3", "unknown key `train.bacth`; did you mean `train.batch`?"),
        ("trian.batch=3", "unknown key `trian`; did you mean `train`?"),
        ("train.lr=3", "`stage.emotion.lr`"),
        ("augment.cutout.sise=1", "did you mean `augment.cutout.size`?"),
        ("frontend.zzz=1", "known here: db_floor, f_max"),
        ("frontend.window=haming", "frontend.window: \"haming\" is not one of hamming, hann; did you mean \"hamming\"?"),
        ("train.stages=voiceprint,emotions", "did you mean \"emotion\"?"),
        ("train.optimiser=adam", "did you mean \"adamw\"?"),
        ("train.batch=many", "train.batch = \"many\": must be an integer"),
        ("train.batch=2.5", "train.batch = 2.5: must be an integer"),
        ("train.batch=-1", "train.batch = -1: must not be negative"),
        ("train.betas=[0.9]", "train.betas: invalid length 1"),
        ("train.betas=0.9,x", "train.betas"),
        ("train.bn_frozen=1", "must be true or false"),
        ("train=1", "must be a section"),
        ("train.batch.size=1", "must be an integer"),
        ("batch", "section.key=value"),
        ("=3", "unknown key"),
    ];
    for (assignment, wanted) in cases {
        let got = message(changed(&[assignment]));
        println!("{assignment:<34} {got}");
        assert!(got.starts_with("config: ") && got.contains(wanted), "{assignment}: {got:?} lacks {wanted:?}");
    }
    assert!(message(Config::preset("smal")).contains("did you mean \"small\"?"));
    assert!(message(Config::parse("preset = 3", "file.toml")).contains("file.toml: preset = 3"));
    assert!(message(Config::parse("[train]\nbatch = = 3", "file.toml")).contains("file.toml: TOML parse error at line 2"));
    assert!(message(Config::parse("[modle]\nwidth = 3", "file.toml")).contains("file.toml: unknown key `modle`; did you mean `model`?"));
    assert!(matches!(Config::load(Path::new("no such file.toml")), Err(Error::Io { .. })));
}

#[test]
fn every_number_has_a_range() {
    let table = Config::preset("small").unwrap().table().unwrap();
    let mut checked = 0;
    for key in table.leaves("") {
        let value = table.pointer(&key).unwrap();
        let bad: &[&str] = match value {
            Value::Integer(_) if key == "train.seed" => &["-1"],
            Value::Integer(_) => &["-1", "1000000000"],
            Value::Float(_) => &["nan", "inf", "-1e9", "1e9"],
            Value::Array(list) if list.iter().all(Value::is_float) => &["[nan, 0.9]", "[0.9, 1.0]", "[0.9, -0.1]"],
            _ => &[],
        };
        for text in bad {
            let got = message(changed(&[&format!("{key}={text}")]));
            assert!(got.contains(&key), "{key}={text}: {got:?} does not name the key");
        }
        checked += usize::from(!bad.is_empty());
    }
    assert!(checked > 50, "only {checked} numbers were found");
}

#[test]
fn agreements_between_values() {
    let cases: [(&[&str], &str); 12] = [
        (&["train.label_smoothing=1.5"], "train.label_smoothing = 1.5: allowed is 0 to 0.9"),
        (&["model.heads=7"], "model.heads = 7: must divide the transformer's width 8 x model.width = 128"),
        (&["train.batch=10", "train.micro_batches=4"], "must divide train.batch = 10"),
        (&["frontend.f_max=9000"], "frontend.f_max = 9000: allowed is 100 to 8000"),
        (&["frontend.frame=1000"], "frontend.frame = 1000: allowed is 16 to 512"),
        (&["frontend.n_fft=500"], "must be a power of two"),
        (&["image.size=100"], "must be a multiple of 32"),
        (&["image.channels=2"], "must be 1 or 3"),
        (&["train.stages=joint,joint"], "each stage once"),
        (&["train.stages=[]"], "at least one stage"),
        (&["augment.mixup.ratio=0.9"], "may not exceed 1"),
        (&["augment.horizontal_mixup.labels=multihot"], "cross_entropy"),
    ];
    for (assignments, wanted) in cases {
        let got = message(changed(assignments));
        assert!(got.contains(wanted), "{assignments:?}: {got:?} lacks {wanted:?}");
    }
    changed(&["augment.horizontal_mixup.labels=multihot", "train.loss=bce"]).unwrap();
    changed(&["frontend.n_fft=1024", "frontend.frame=1000"]).unwrap();
}
