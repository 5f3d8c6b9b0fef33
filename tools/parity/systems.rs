//! The systems of the paper by name: a row each that says which network it is, and how its tensors are named.

use anyhow::{Context as _, Result, bail};
use emotone::nn::Weights;
use emotone::train::config::{Config, Stage};
use emotone::train::recipe::io;

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
    /// The network's inputs out of a file's tensors: how many, and their values row after row. What their shape tells goes into the
    /// configuration.
    pub inputs: fn(&mut Weights, &mut Config) -> Result<(usize, Vec<f32>)>,
    /// The input tensors: names, and dimensions after the batch as the flag that says them (none where it is empty) and what they are else.
    pub shapes: &'static [(&'static str, &'static [(&'static str, usize)])],
    /// Tensors of the answer, and the results of the recipe that they are.
    pub outputs: fn(&Config) -> Vec<(String, String)>,
    /// Changes to the stage that `grads` computes: by default the trunk and the heads of all tasks are trained.
    pub stage: fn(&mut Stage, &Config),
}

/// A network of square images with one head.
pub const IMAGES: System = System {
    name: "",
    network: "",
    sets: &[],
    tasks: &[("emotion", 1.0)],
    inputs: images,
    shapes: &[("images", &[("channels", 3), ("size", 256), ("size", 256)])],
    outputs: |_| outputs(&[("features", io::FEATURES), ("logits", "emotion.logits")]),
    stage: |_, _| (),
};

const SYSTEMS: &[System] = &[
    System { name: "ecg_resnet1d", network: "physio", inputs: signals, outputs: signal_outputs, ..IMAGES },
    System { name: "densenet121", network: "densenet", ..IMAGES },
    System { name: "dpn98", network: "dpn", ..IMAGES },
    System { name: "resnest50", network: "resnest", ..IMAGES },
    System { name: "resnet", network: "resnet", ..IMAGES },
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

/// `images` (B, C, S, S).
fn images(tensors: &mut Weights, config: &mut Config) -> Result<(usize, Vec<f32>)> {
    let (shape, values) = tensors.remove("images").context("the inputs have no tensor `images`")?;
    let [n, channels, height, width] = *shape.0.as_slice() else { bail!("images {shape}: must be (B, C, H, W)") };
    if height != width {
        bail!("images {shape}: must be square");
    }
    (config.image.channels, config.image.size) = (channels, width);
    Ok((n, values))
}

/// `ecg` and `eeg` (B, C, L), one of which may be missing.
fn signals(tensors: &mut Weights, config: &mut Config) -> Result<(usize, Vec<f32>)> {
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
