//! What the paper's tables and figures compare: its numbers, and the runs that stand for them here.

use clap::ValueEnum;
use emotone::train::config::Config;

/// A table of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Table {
    /// Networks under the same augmentation.
    #[value(name = "I")]
    One,
    /// Speaker pre-training.
    #[value(name = "III")]
    Three,
    /// Earlier systems.
    #[value(name = "IV")]
    Four,
}

impl Table {
    /// The paper's number.
    pub fn number(self) -> &'static str {
        match self {
            Table::One => "I",
            Table::Three => "III",
            Table::Four => "IV",
        }
    }

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Table::One => "Table I: networks under the same augmentation",
            Table::Three => "Table III: speaker pre-training",
            Table::Four => "Table IV: earlier systems",
        }
    }
}

/// A panel of the paper's Figure 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Figure {
    /// The parameters a and b of Horizontal Mixup.
    #[value(name = "6a")]
    A,
    /// The share of mixed images: Horizontal Mixup and Mixup.
    #[value(name = "6b")]
    B,
}

/// The paper's row: recall of happiness, sadness, anger and gentleness, and F1.
pub type Published = [f64; 5];

/// A system trained in a certain way.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// Name of its folder; equal keys are equal runs.
    pub key: String,
    /// Name on the page.
    pub name: String,
    /// What differs from the preset.
    pub sets: Vec<String>,
    /// Key of the setup whose weights it starts from.
    pub start: Option<String>,
}

/// A line of a table.
pub struct Line {
    pub setup: Setup,
    /// What the paper reports.
    pub published: Option<Published>,
}

/// A point of a figure.
pub struct Point {
    pub setup: Setup,
    /// Name of its curve.
    pub curve: String,
    /// Where on the axis.
    pub x: f64,
    /// What the paper's figure shows, an F1 read off the axis.
    pub published: Option<f64>,
}

/// What all systems have in common: epochs of each stage (all train for as many in all), and the shape of the trunk that speakers train.
#[derive(Clone, Debug, PartialEq)]
pub struct Protocol {
    voiceprint: usize,
    emotion: usize,
    finetune: usize,
    trunk: Vec<String>,
}

impl Protocol {
    /// That of a preset, whose three stages are stretched to `total` epochs where that is given.
    pub fn of(preset: &Config, total: Option<usize>) -> Self {
        let of = |stage: &str| preset.stage.get(stage).map_or(1, |s| s.epochs);
        let (v, e, f) = (of("voiceprint"), of("emotion"), of("finetune"));
        let all = total.unwrap_or(v + e + f).max(3);
        let share = |n: usize| ((n * all) as f64 / (v + e + f) as f64).round().max(1.0) as usize;
        let (voiceprint, emotion) = (share(v), share(e));
        let setting = |key: &&str| preset.model.0.get(*key).map(|value| format!("model.{key}={value}"));
        let trunk = ["width", "reduction"].iter().filter_map(setting).collect();
        Protocol { voiceprint, emotion, finetune: all.saturating_sub(voiceprint + emotion).max(1), trunk }
    }

    /// Of all stages.
    pub fn total(&self) -> usize {
        self.voiceprint + self.emotion + self.finetune
    }
}

/// The setup whose trunk the frozen and fine-tuned ones start from.
pub const VOICEPRINT: &str = "voiceprint";

/// Speaker pre-training of Res-Trans's trunk.
pub fn voiceprint(protocol: &Protocol) -> Setup {
    let sets = vec!["train.stages=voiceprint".into(), format!("stage.voiceprint.epochs={}", protocol.voiceprint)];
    Setup { key: VOICEPRINT.into(), name: "Speaker pre-training".into(), sets, start: None }
}

fn setup(key: &str, name: &str, sets: Vec<String>, start: Option<&str>) -> Setup {
    Setup { key: key.into(), name: name.into(), sets, start: start.map(String::from) }
}

/// A network trained end to end on emotions.
fn single(key: &str, name: &str, model: &str, more: &[&str], protocol: &Protocol) -> Setup {
    let mut sets = vec![format!("model.name={model}"), "train.stages=single".into(), format!("stage.single.epochs={}", protocol.total())];
    sets.extend(more.iter().map(|s| s.to_string()));
    setup(key, name, sets, None)
}

/// A head on the trunk of the speaker stage, which stays as it is.
fn frozen(key: &str, name: &str, model: &[String], protocol: &Protocol) -> Setup {
    let mut sets = model.to_vec();
    sets.push("train.stages=emotion".into());
    sets.push(format!("stage.emotion.epochs={}", protocol.emotion + protocol.finetune));
    setup(key, name, sets, Some(VOICEPRINT))
}

/// Res-Trans after speaker pre-training: the head on the frozen trunk, then everything.
fn tuned(key: &str, name: &str, more: &[String], protocol: &Protocol) -> Setup {
    let mut sets = vec!["train.stages=emotion,finetune".into()];
    sets.push(format!("stage.emotion.epochs={}", protocol.emotion));
    sets.push(format!("stage.finetune.epochs={}", protocol.finetune));
    sets.extend_from_slice(more);
    setup(key, name, sets, Some(VOICEPRINT))
}

/// Keys of the setups that the closing questions ask about.
pub const SINGLE: &str = "res_trans-single";
pub const FROZEN: &str = "res_trans-frozen";
pub const TUNED: &str = "res_trans";

/// Res-Trans in its three ways.
fn res_trans(protocol: &Protocol) -> [Setup; 3] {
    [
        single(SINGLE, "Res-Trans, single task (end to end)", "res_trans", &[], protocol),
        frozen(FROZEN, "Res-Trans, multi task (CNN frozen, as published)", &[], protocol),
        tuned(TUNED, "Res-Trans, multi task, then everything trained", &[], protocol),
    ]
}

/// The lines of a table.
pub fn lines(table: Table, protocol: &Protocol) -> Vec<Line> {
    let line = |setup: Setup, published: Option<Published>| Line { setup, published };
    let e = protocol;
    let [alone, fixed, trained] = res_trans(e);
    let mut incep = vec!["model.name=resnet_incep".to_string(), "model.variant=paper".to_string()];
    incep.extend_from_slice(&e.trunk);
    let ours = Some([0.994, 0.979, 0.957, 0.942, 0.966]);
    match table {
        Table::One => vec![
            line(single("capsule", "Capsule network", "capsule", &[], e), Some([0.963, 0.973, 0.869, 0.849, 0.898])),
            line(single("densenet", "DenseNet", "densenet", &[], e), Some([0.985, 0.914, 0.933, 0.915, 0.938])),
            line(single("dpn", "Dual path network", "dpn", &[], e), Some([0.988, 0.962, 0.926, 0.923, 0.946])),
            line(single("resnext", "ResNeXt", "resnext", &[], e), Some([0.978, 0.978, 0.92, 0.948, 0.948])),
            line(single("resnest", "ResNeSt", "resnest", &[], e), Some([0.98, 0.943, 0.948, 0.952, 0.954])),
            line(
                frozen("resnet_incep-paper", "ResNet-Incep (CNN frozen, as published)", &incep, e),
                Some([0.979, 0.959, 0.938, 0.885, 0.942]),
            ),
            line(single("resnet_incep-code", "ResNet-Incep (as in the released code)", "resnet_incep", &["model.variant=code"], e), None),
            line(fixed, ours),
            line(trained, None),
        ],
        Table::Three => vec![
            line(alone, Some([0.989, 0.967, 0.950, 0.942, 0.960])),
            line(fixed, Some([0.994, 0.979, 0.957, 0.937, 0.966])),
            line(trained, None),
        ],
        Table::Four => vec![
            line(single("lstm", "LSTM with attention", "lstm", &[], e), Some([0.855, 0.399, 0.817, 0.704, 0.677])),
            line(single("svm", "SVM on MFCC statistics", "svm", &[], e), Some([0.957, 0.707, 0.964, 0.791, 0.860])),
            line(single("drcnn", "DRCNN", "drcnn", &[], e), Some([0.966, 0.891, 0.899, 0.850, 0.904])),
            line(single("emoception", "Inception-based", "emoception", &[], e), Some([0.979, 0.939, 0.919, 0.909, 0.936])),
            line(fixed, ours),
            line(trained, None),
        ],
    }
}

/// The grid of Figure 6a: a, then the paper's F1 at b = 0.75, 1, 1.25 and 1.5.
const GRID: [(f64, [Option<f64>; 4]); 4] = [
    (0.0, [None, Some(0.961), Some(0.9625), Some(0.962)]),
    (0.05, [Some(0.963), Some(0.961), Some(0.9658), Some(0.963)]),
    (0.1, [Some(0.963), Some(0.957), Some(0.965), Some(0.962)]),
    (0.15, [Some(0.9625), Some(0.955), Some(0.964), Some(0.958)]),
];
const B: [f64; 4] = [0.75, 1.0, 1.25, 1.5];

/// Shares of mixed images in Figure 6b, and the paper's F1 with Horizontal Mixup and with Mixup.
const SHARES: [(f64, f64, f64); 6] =
    [(0.0, 0.952, 0.952), (0.08, 0.959, 0.953), (0.16, 0.963, 0.957), (0.24, 0.965, 0.958), (0.3, 0.9658, 0.957), (0.36, 0.9659, 0.9565)];

/// Names of the curves of Figure 6b.
const HORIZONTAL: &str = "Horizontal Mixup";
const PLAIN: &str = "Mixup";

/// The points of a panel.
pub fn points(figure: Figure, protocol: &Protocol) -> Vec<Point> {
    match figure {
        Figure::A => {
            let cells = GRID.iter().flat_map(|(a, row)| B.iter().zip(row).map(move |(b, published)| (*a, *b, *published)));
            cells
                .map(|(a, b, published)| Point { setup: mixed(0.3, 0.0, a, b, protocol), curve: format!("b = {b}"), x: a, published })
                .collect()
        }
        Figure::B => {
            let curve = |name: &str, share: f64, published: f64| {
                let (horizontal, plain) = if name == HORIZONTAL { (share, 0.0) } else { (0.0, share) };
                let setup = mixed(horizontal, plain, 0.05, 1.25, protocol);
                Point { setup, curve: name.into(), x: share, published: Some(published) }
            };
            let horizontal = SHARES.iter().map(|(share, f1, _)| curve(HORIZONTAL, *share, *f1));
            horizontal.chain(SHARES.iter().map(|(share, _, f1)| curve(PLAIN, *share, *f1))).collect()
        }
    }
}

/// Res-Trans with these shares of mixed images; the published ones are those of the tables.
fn mixed(horizontal: f64, plain: f64, a: f64, b: f64, protocol: &Protocol) -> Setup {
    if (horizontal, plain, a, b) == (0.3, 0.0, 0.05, 1.25) {
        return tuned(TUNED, "Res-Trans, multi task, then everything trained", &[], protocol);
    }
    let (key, name) = match (horizontal, plain) {
        (0.0, 0.0) => ("unmixed".to_string(), "Res-Trans without mixing".to_string()),
        (h, 0.0) => (format!("horizontal-{h}-a{a}-b{b}"), format!("Res-Trans, Horizontal Mixup {h}, a = {a}, b = {b}")),
        (_, p) => (format!("mixup-{p}"), format!("Res-Trans, Mixup {p}")),
    };
    let more = [
        format!("augment.mixup.ratio={plain}"),
        format!("augment.horizontal_mixup.ratio={horizontal}"),
        format!("augment.horizontal_mixup.a={a}"),
        format!("augment.horizontal_mixup.b={b}"),
    ];
    tuned(&key, &name, &more, protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_systems_train_as_long_and_every_start_is_known() {
        let preset = Config::preset("tiny").unwrap();
        assert_eq!(Protocol::of(&preset, None).total(), 34);
        let e = Protocol::of(&preset, Some(17));
        assert_eq!((e.voiceprint, e.emotion, e.finetune), (3, 2, 12));
        let tables = [Table::One, Table::Three, Table::Four].into_iter().flat_map(|t| lines(t, &e).into_iter().map(|l| l.setup));
        let figures = [Figure::A, Figure::B].into_iter().flat_map(|f| points(f, &e).into_iter().map(|p| p.setup));
        for setup in tables.chain(figures) {
            let own: usize = setup.sets.iter().filter_map(|s| s.split_once(".epochs=")).map(|(_, n)| n.parse::<usize>().unwrap()).sum();
            let before = setup.start.as_ref().map_or(0, |_| e.voiceprint);
            assert_eq!(own + before, 17, "{}", setup.key);
            assert!(setup.start.as_deref().is_none_or(|s| s == VOICEPRINT));
        }
    }

    #[test]
    fn equal_keys_are_equal_setups_and_settings_are_known() {
        let preset = Config::preset("tiny").unwrap();
        let e = Protocol::of(&preset, None);
        let mut all: Vec<Setup> = [Figure::A, Figure::B].into_iter().flat_map(|f| points(f, &e).into_iter().map(|p| p.setup)).collect();
        assert_eq!(all.len(), 16 + 12);
        all.extend([Table::One, Table::Three, Table::Four].into_iter().flat_map(|t| lines(t, &e).into_iter().map(|l| l.setup)));
        for one in &all {
            assert!(all.iter().all(|other| other.key != one.key || other == one), "{} is two setups", one.key);
            let mut config = preset.clone();
            for set in &one.sets {
                config.set(set).unwrap_or_else(|e| panic!("{}: {set}: {e}", one.key));
            }
            config.check().unwrap_or_else(|e| panic!("{}: {e}", one.key));
        }
    }
}
