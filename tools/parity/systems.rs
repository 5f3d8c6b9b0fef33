//! The systems of the paper by name: a row each that says which network it is, and how its tensors are named.

use crate::flags::Flags;
use anyhow::{Context as _, Result, bail};
use emotone::models::TRUNK;
use emotone::nn::Weights;
use emotone::train::config::{Config, Stage};
use emotone::train::recipe::io;
use std::collections::BTreeMap;

/// How many inputs there are, and their values one after the other.
pub type Rows = (usize, Vec<f32>);

/// A system: rows differ from [`IMAGES`] in what is written down.
pub struct System {
    /// Its name on the command line.
    pub name: &'static str,
    /// `model.name`.
    pub network: &'static str,
    /// Values of the configuration besides `[model]`: the loss, where it is not the binary focal loss with smoothing 0.1.
    pub sets: &'static [&'static str],
    /// Tasks of the loss and their weights. The targets of a task are the tensor of its name.
    pub tasks: &'static [(&'static str, f64)],
    /// Takes flags that are no settings of the network, and changes the configuration and the tasks accordingly.
    pub flags: fn(&mut Flags, &mut Config, &mut BTreeMap<String, f64>) -> Result<()>,
    /// The network's inputs out of a file's tensors: how many, and their values row after row. What their shape tells goes into the
    /// configuration.
    pub inputs: fn(&mut Weights, &mut Config) -> Result<Rows>,
    /// The input tensors: names, and dimensions after the batch as the flag that says them (none where it is empty) and what they are else.
    pub shapes: &'static [(&'static str, &'static [(&'static str, usize)])],
    /// Tensors of the answer, and the results of the recipe that they are.
    pub outputs: fn(&Config) -> Vec<(String, String)>,
    /// Changes to the stage that `grads` computes: by default the trunk and the heads of all tasks are trained.
    pub stage: fn(&mut Stage, &Config),
}

/// The stage that stands for a system in its configuration.
pub const STAGE: &str = "parity";

/// A network of images with one head.
pub const IMAGES: System = System {
    name: "",
    network: "",
    sets: &[],
    tasks: &[("emotion", 1.0)],
    flags: |_, _, _| Ok(()),
    inputs: images,
    shapes: &[("images", &[("channels", 3), ("size", 256), ("size", 256)])],
    outputs: |_| outputs(&[("features", io::FEATURES), ("logits", "emotion.logits")]),
    stage: |_, _| (),
};

const SYSTEMS: &[System] = &[
    System {
        name: "capsule",
        network: "capsule",
        flags: capsule_loss,
        outputs: |_| outputs(&[("features", "primary"), ("capsules", "capsules"), ("logits", "emotion.logits")]),
        ..IMAGES
    },
    System {
        name: "ecg_resnet1d",
        network: "physio",
        inputs: signals,
        shapes: &[("ecg", &[("ecg", 1), ("length", 2048)]), ("eeg", &[("eeg", 14), ("length", 2048)])],
        outputs: signal_outputs,
        ..IMAGES
    },
    System { name: "densenet121", network: "densenet", ..IMAGES },
    System { name: "dpn98", network: "dpn", ..IMAGES },
    System { name: "drcnn", network: "drcnn", shapes: &[("images", &[("channels", 3), ("size", 227), ("size", 227)])], ..IMAGES },
    System {
        name: "emoception",
        network: "emoception",
        tasks: &[("emotion", 1.0), ("speaker", 0.3)],
        flags: speaker_weight,
        shapes: &[("images", &[("channels", 1), ("height", 64), ("size", 256)])],
        outputs: |config| {
            let speaker = config.stage[STAGE].tasks.contains_key("speaker").then_some(("speaker_logits", "speaker.logits"));
            outputs(&[("features", io::FEATURES), ("logits", "emotion.logits")].into_iter().chain(speaker).collect::<Vec<_>>())
        },
        ..IMAGES
    },
    System {
        name: "lstm",
        network: "lstm",
        sets: &["task.emotion.loss=cross_entropy", "train.label_smoothing=0"],
        inputs: sequences,
        shapes: &[("features", &[("frames", 100), ("features", 34)])],
        ..IMAGES
    },
    System { name: "resnest50", network: "resnest", ..IMAGES },
    System { name: "resnet", network: "resnet", ..IMAGES },
    System {
        name: "resnet_incep",
        network: "resnet_incep",
        outputs: |_| outputs(&[("features", "inception"), ("logits", "emotion.logits")]),
        // The paper's trunk stays as the voiceprint stage left it.
        stage: |stage, config| {
            if config.model.0["variant"].as_str() == Some("paper") {
                stage.trains.retain(|group| group != TRUNK);
            }
        },
        ..IMAGES
    },
    System { name: "resnext29", network: "resnext", ..IMAGES },
];

/// The system of that name.
pub fn find(name: &str) -> Result<&'static System> {
    SYSTEMS.iter().find(|s| s.name == name).with_context(|| {
        let names: Vec<&str> = SYSTEMS.iter().map(|s| s.name).collect();
        format!("{name:?} is not one of {}", names.join(", "))
    })
}

/// Names of tensors and results, owned.
pub fn outputs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(tensor, result)| (tensor.to_string(), result.to_string())).collect()
}

/// `images` (B, C, H, W).
fn images(tensors: &mut Weights, config: &mut Config) -> Result<Rows> {
    let (shape, values) = tensors.remove("images").context("the inputs have no tensor `images`")?;
    let [n, channels, height, width] = *shape.0.as_slice() else { bail!("images {shape}: must be (B, C, H, W)") };
    config.image.height = if height == width { 0 } else { height };
    (config.image.channels, config.image.size) = (channels, width);
    Ok((n, values))
}

/// `ecg` and `eeg` (B, C, L), one of which may be missing.
fn signals(tensors: &mut Weights, config: &mut Config) -> Result<Rows> {
    let mut rows: Vec<Vec<f32>> = Vec::new();
    config.set("model.audio=0")?;
    for name in ["ecg", "eeg"] {
        let Some((shape, values)) = tensors.remove(name) else {
            config.set(&format!("model.{name}=0"))?;
            continue;
        };
        let [n, channels, length] = *shape.0.as_slice() else { bail!("{name} {shape}: must be (B, C, L)") };
        for (key, value) in [(name, channels), ("length", length)] {
            config.set(&format!("model.{key}={value}"))?;
        }
        rows.resize(n, Vec::new());
        rows.iter_mut().zip(values.chunks(channels * length)).for_each(|(row, own)| row.extend(own));
    }
    Ok((rows.len(), rows.concat()))
}

/// Late fusion has features and logits of each modality and the fused probabilities.
fn signal_outputs(config: &Config) -> Vec<(String, String)> {
    if config.model.0.get("fusion").and_then(|v| v.as_str()) != Some("late") {
        return outputs(&[("features", io::FEATURES), ("logits", "emotion.logits")]);
    }
    let present = |name: &&str| config.model.0.get(*name).and_then(|v| v.as_integer()).is_some_and(|channels| channels > 0);
    let each = ["ecg", "eeg"].into_iter().filter(present).flat_map(|m| [format!("features_{m}"), format!("logits_{m}")]);
    each.chain(["probabilities".to_string()]).map(|name| (name.clone(), name)).collect()
}

/// `--loss focal|margin`.
fn capsule_loss(flags: &mut Flags, config: &mut Config, _: &mut BTreeMap<String, f64>) -> Result<()> {
    match flags.take("loss").as_deref() {
        None | Some("focal") => Ok(()),
        Some("margin") => Ok(config.set("task.emotion.loss=margin")?),
        Some(other) => bail!("--loss {other}: must be focal or margin"),
    }
}

/// `--weight` of the speaker's loss; no `--speakers`, no such loss.
fn speaker_weight(flags: &mut Flags, _: &mut Config, tasks: &mut BTreeMap<String, f64>) -> Result<()> {
    if let Some(weight) = flags.take("weight") {
        tasks.insert("speaker".into(), weight.parse().with_context(|| format!("--weight {weight}: must be a number"))?);
    }
    if flags.get("speakers") == Some("0") {
        tasks.remove("speaker");
    }
    Ok(())
}

/// `features` (B, T, F).
fn sequences(tensors: &mut Weights, config: &mut Config) -> Result<Rows> {
    let (shape, values) = tensors.remove("features").context("the inputs have no tensor `features`")?;
    let [n, frames, _] = *shape.0.as_slice() else { bail!("features {shape}: must be (B, T, F)") };
    config.sequence.frames = frames;
    Ok((n, values))
}
