use super::*;

fn message(result: Result<impl std::fmt::Debug>) -> String {
    result.expect_err("must fail").to_string()
}

fn integer(config: &Config, key: &str) -> i64 {
    config.model.0[key].as_integer().unwrap()
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
    assert_eq!((paper.image.size, integer(&paper, "width"), integer(&paper, "depth"), paper.train.batch), (256, 64, 6, 12));
    assert_eq!((paper.stage["emotion"].lr, paper.stage["emotion"].epochs), (5e-4, 60));
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
    assert_eq!((c.frontend.window, c.model.0["norm"].as_str(), c.model.0["se"].as_bool()), (Window::Hann, Some("post"), Some(false)));
    assert_eq!(c.train.stages, ["single", "joint"]);
    assert_eq!((c.augment.horizontal_mixup.a, c.stage["single"].lr), (0.1, 3e-4));
    assert_eq!(changed(&["train.stages=[\"joint\"]"]).unwrap().train.stages, ["joint"]);
    assert_eq!(changed(&["train.stages=single"]).unwrap().train.stages, ["single"]);
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
        ("augment.cutout.sise=1", "did you mean `augment.cutout.size`?"),
        ("frontend.zzz=1", "known here: db_floor, denoise, extent, f_max"),
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
        ("model.name=res_tran", "; did you mean \"res_trans\"?"),
        ("model.norm=past", "model.norm: \"past\" is not one of pre, post; did you mean \"post\"?"),
        ("model.withd=3", "did you mean `model.width`?"),
        (
            "stage.emotoin.epochs=3",
            "unknown key `stage.emotoin`; did you mean `stage.emotion`?; a new stage needs a value `stage.emotoin.tasks`",
        ),
        (
            "stage.joint.tasks.speakers=1",
            "stage.joint.tasks = \"speakers\": must be one of the tasks emotion, speaker; did you mean \"speaker\"?",
        ),
        ("stage.joint.trains=trunk,emotio", "did you mean \"emotion\"?"),
        ("task.emotion.target=lable", "is not one of label, speaker, column:NAME"),
        ("preset=tiny", "--preset"),
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
    let cases: [(&[&str], &str); 17] = [
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
        (&["stage.a/b.tasks={ emotion = 1 }", "stage.a/b.trains=trunk"], "stage.a/b = ...: must have a name of letters"),
        (&["augment.mixup.ratio=0.9"], "may not exceed 1"),
        (&["augment.horizontal_mixup.labels=multihot"], "cross_entropy"),
        (&["stage.joint.tasks.emotion=0", "stage.joint.tasks.speaker=0"], "stage.joint.tasks = {}: must name at least one task"),
        (&["stage.emotion.trains=speaker"], "stage.emotion.trains = [\"speaker\"]: must name trunk or a task of the stage"),
        (&["task.emotion.target=column:valence"], "task.emotion.loss = cross_entropy: must be \"mse\" for the numbers of one column"),
        (&["task.emotion.loss=mse"], "task.emotion.loss = mse: must be \"mse\" for the numbers of one column, and only for them"),
    ];
    for (assignments, wanted) in cases {
        let got = message(changed(assignments));
        assert!(got.contains(wanted), "{assignments:?}: {got:?} lacks {wanted:?}");
    }
    let twice = Config::preset("tiny").unwrap().set("task.t.target=column:a,b,a").unwrap_err().to_string();
    assert!(twice.contains("names column a twice"), "{twice}");
    changed(&["augment.horizontal_mixup.labels=multihot", "train.loss=bce"]).unwrap();
    changed(&["frontend.n_fft=1024", "frontend.frame=1000"]).unwrap();
}

#[test]
fn stages_and_tasks_of_ones_own() {
    let text = "preset = \"tiny\"\n[train]\nstages = [\"warm\"]\n[task.valence]\ntarget = \"column:valence\"\nloss = \"mse\"\nmetric = \"ccc\"\n\
        [stage.warm]\ntasks = { valence = 1, emotion = 0.5 }\ntrains = [\"trunk\", \"valence\"]\nepochs = 3";
    let c = Config::parse(text, "own").unwrap();
    c.check().unwrap();
    assert_eq!(c.stage["warm"].tasks().collect::<Vec<_>>(), [("emotion", 0.5), ("valence", 1.0)]);
    assert_eq!((c.stage["warm"].epochs, c.stage["warm"].augment, c.task["valence"].head), (3, true, Head::Main));
    assert_eq!(Config::parse(&c.to_toml().unwrap(), "printed").unwrap(), c);
}

/// The configuration file of a run of an earlier version, whose losses and stages stood elsewhere.
#[test]
fn configurations_of_earlier_versions_are_read() {
    let old = include_str!("../../../tests/old/old-config.toml");
    let mut today = Config::preset("tiny").unwrap();
    let changes = ["image.size=32", "model.width=4", "model.heads=2", "train.batch=8", "train.stages=voiceprint,emotion"];
    for s in changes.iter().chain(&["stage.voiceprint.epochs=1", "stage.emotion.epochs=1"]) {
        today.set(s).unwrap();
    }
    assert!(Config::parse(old, "old").unwrap().same_values(&today));
    assert!(Config::stored(old.parse().unwrap()).unwrap().same_values(&today));
    let other = old.replace("joint_alpha = 0.3", "joint_alpha = 0.7").replace("loss = \"cross_entropy\"", "loss = \"focal_bce\"");
    let other = Config::parse(&other, "old").unwrap();
    assert!((other.stage["joint"].tasks["speaker"], other.task["emotion"].loss) == (0.7, Loss::FocalBce) && !other.same_values(&today));
}

/// A network that brings values for images, training, a task and a stage.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Bringing {
    width: usize,
}

impl crate::models::Settings for Bringing {
    const NAME: &'static str = "bringing";
    fn preset(_: &str) -> Self {
        Bringing { width: 3 }
    }
    fn config(size: &str) -> &'static str {
        match size {
            "tiny" => "[image]\nsize = 32\n[train]\nbatch = 6\nstages = [\"single\", \"extra\"]\n[stage.extra]\ntasks = { emotion = 1 }\n",
            _ => "",
        }
    }
}

impl Network for Bringing {
    fn input(&self) -> crate::models::Input {
        crate::models::Input::Image
    }
    fn features(&self, _: &mut crate::nn::Context, x: crate::graph::Var) -> Result<crate::graph::Var> {
        Ok(x)
    }
    fn head(&self, _: &mut crate::nn::Context, x: crate::graph::Var, _: usize) -> Result<crate::graph::Var> {
        Ok(x)
    }
}

#[test]
fn a_network_brings_configuration_under_the_users_values() {
    crate::models::register::<Bringing>();
    let of = |c: &Config| (c.image.size, c.train.batch, c.train.stages.len(), c.stage.contains_key("extra"));
    let set = |preset: &str, assignments: &[&str]| {
        let mut config = Config::preset(preset).unwrap();
        assignments.iter().for_each(|a| config.set(a).unwrap());
        config
    };
    assert_eq!(of(&set("tiny", &["model.name=bringing"])), (32, 6, 2, true));
    assert_eq!(of(&set("small", &["model.name=bringing"])), (96, 16, 3, false), "it brings nothing at another size");
    // The user's values win, before and after the network is named, and in a file.
    assert_eq!(of(&set("tiny", &["train.batch=5", "model.name=bringing", "image.size=48"])), (48, 5, 2, true));
    let text = "preset = \"tiny\"\n[model]\nname = \"bringing\"\nwidth = 4\n[train]\nbatch = 7\n[stage.extra]\nepochs = 3\n";
    let config = Config::parse(text, "file").unwrap();
    assert_eq!((of(&config), integer(&config, "width"), config.stage["extra"].epochs), ((32, 7, 2, true), 4, 3));
    assert_eq!(Config::parse(&config.to_toml().unwrap(), "printed").unwrap(), config);
    // Another network does not inherit what the first brought, but what the user gave.
    let config = set("tiny", &["train.batch=5", "model.name=bringing", "model.name=res_trans"]);
    assert_eq!(config, set("tiny", &["train.batch=5"]));
}
