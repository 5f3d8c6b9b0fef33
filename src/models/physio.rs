//! Physiological signals: a one-dimensional ResNet each for ECG and EEG and, as a third modality, a two-dimensional one for the image of
//! speech, fused late (a weighted sum of the modalities' probabilities) or by a perceptron on their features.

use super::network::{Input, Network, Settings, TRUNK};
use super::residual::{Trunk, stages};
use crate::graph::{Shape, Var};
use crate::nn::layers::{Conv, batch_norm, conv1d, linear};
use crate::nn::{Context, Init, Weights};
use crate::range::{require, within};
use crate::words::words;
use crate::{Error, Result, ops};
use serde::{Deserialize, Serialize};

words! {
    /// How modalities become one answer.
    Fusion {
        /// Each has a head and a loss of its own; the answer is a weighted sum of their probabilities.
        Late = "late",
        /// One perceptron on the features of all.
        Mlp = "mlp",
    }
}

/// The settings: `[model]` with `name = "physio"`. A modality of 0 channels is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Physio {
    /// Channels of the electrocardiogram.
    pub ecg: usize,
    /// Channels of the electroencephalogram.
    pub eeg: usize,
    /// Channels of the image of speech (`[image]`): 0, 1 or 3.
    pub audio: usize,
    /// Samples of a signal, at `signal.rate`.
    pub length: usize,
    /// Channels of the first of a ResNet's stages; each of the others doubles them.
    pub width: usize,
    /// Residual blocks of each stage of the signals' ResNets.
    pub blocks: Vec<usize>,
    /// How modalities become one answer.
    pub fusion: Fusion,
    /// Hidden units of the perceptron.
    pub hidden: usize,
}

impl Settings for Physio {
    const NAME: &'static str = "physio";

    fn preset(size: &str) -> Self {
        // Channels and length as in DREAMER-like recordings: one lead, a headset of 14 electrodes, 16 s at 128 Hz.
        let paper = Physio { ecg: 1, eeg: 14, audio: 0, length: 2048, width: 32, blocks: vec![2; 4], fusion: Fusion::Late, hidden: 128 };
        match size {
            "paper" => paper,
            "tiny" => Physio { eeg: 4, audio: 1, length: 1024, width: 8, blocks: vec![1; 3], hidden: 16, ..paper },
            _ => Physio { eeg: 4, audio: 1, length: 1024, width: 8, blocks: vec![1; 4], hidden: 64, ..paper },
        }
    }

    fn config(size: &str) -> &'static str {
        match size {
            "tiny" => "[image]\nsize = 32\n[train]\nstages = [\"single\"]\n[stage.single]\nepochs = 20\n",
            "small" => "[image]\nsize = 64\n[train]\nstages = [\"single\"]\n",
            _ => "[train]\nstages = [\"single\"]\n",
        }
    }
}

/// A modality in the flat row of an utterance.
struct Part {
    name: &'static str,
    /// Its shape without the batch: (C, 1, L) of a signal, (C, S, S) of an image.
    shape: [usize; 3],
    start: usize,
}

impl Physio {
    /// The modalities there are, in the order in which a row of `flat` values has them.
    fn parts(&self, flat: usize) -> Result<Vec<Part>> {
        let (mut parts, mut start) = (Vec::new(), 0);
        for (name, channels) in [("ecg", self.ecg), ("eeg", self.eeg)].into_iter().filter(|(_, c)| *c > 0) {
            parts.push(Part { name, shape: [channels, 1, self.length], start });
            start += channels * self.length;
        }
        let rest = flat.saturating_sub(start);
        let side = rest.checked_div(self.audio).map_or(0, usize::isqrt);
        if start + self.audio * side * side != flat || (self.audio > 0 && side == 0) {
            let expected = format!("rows of {start} values and {} square images", self.audio);
            return Err(Error::shape("physio", expected, flat.to_string()));
        }
        if self.audio > 0 {
            parts.push(Part { name: "audio", shape: [self.audio, side, side], start });
        }
        Ok(parts)
    }

    /// Features of each modality.
    fn widths(&self) -> Vec<(&'static str, usize)> {
        let signal = self.width << self.blocks.len().saturating_sub(1);
        let all = [("ecg", self.ecg, signal), ("eeg", self.eeg, signal), ("audio", self.audio, 8 * self.width)];
        all.into_iter().filter(|(_, channels, _)| *channels > 0).map(|(name, _, width)| (name, width)).collect()
    }

    /// One modality: (B, C, 1, L) or (B, C, S, S) -> (B, features).
    fn net(&self, cx: &mut Context, part: &Part, x: Var) -> Result<Var> {
        let maps = match part.name {
            "audio" => Trunk { width: self.width, blocks: [1; 4], bottleneck: false, reduction: 0 }.build(cx, x)?,
            _ => self.signal_net(cx, x)?,
        };
        ops::global_avg_pool(cx.g, maps)
    }

    /// `conv 7 stride 2 - BN - ReLU`, then stages of basic blocks, each after the first of stride 2 (He et al. 2016, over time).
    fn signal_net(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let x = cx.scoped("conv1", |cx| conv1d(cx, x, Conv::new(self.width, 7).stride(2).padding(3)))?;
        let x = cx.scoped("bn1", |cx| batch_norm(cx, x, true))?;
        let layer = |stage| format!("layers.{stage}");
        stages(cx, x, &self.blocks, layer, |cx, x, stage, stride| basic_block(cx, x, self.width << stage, stride))
    }

    /// The logits of every modality's head, and the weighted sum of their probabilities (B, outputs).
    fn late(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<(Vec<Var>, Var)> {
        let (mut all, mut fused, mut start) = (Vec::new(), None, 0);
        let widths = self.widths();
        let weights = cx.statistic("weights", [widths.len()], Init::Fill(1.0 / widths.len() as f32))?;
        for (m, (name, width)) in widths.into_iter().enumerate() {
            let own = ops::slice(cx.g, features, 1, start, start + width)?;
            let logits = cx.scoped("heads", |cx| cx.scoped(name, |cx| linear(cx, own, outputs, true)))?;
            cx.mark(&logits_of(name), logits);
            let probabilities = ops::softmax(cx.g, logits, 1)?;
            let weight = ops::slice(cx.g, weights, 0, m, m + 1)?;
            let share = ops::mul(cx.g, probabilities, weight)?;
            fused = Some(match fused {
                Some(sum) => ops::add(cx.g, sum, share)?,
                None => share,
            });
            all.push(logits);
            start += width;
        }
        let fused = fused.ok_or_else(|| Error::Config("physio: no modality".into()))?;
        cx.mark("probabilities", fused);
        Ok((all, fused))
    }
}

/// The name under which the logits of a modality can be read.
fn logits_of(modality: &str) -> String {
    format!("logits_{modality}")
}

/// `relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x))` with kernels of 3 over time: (B, C, 1, L) -> (B, channels, 1, L/stride).
fn basic_block(cx: &mut Context, x: Var, channels: usize, stride: usize) -> Result<Var> {
    let u = cx.scoped("conv1", |cx| conv1d(cx, x, Conv::new(channels, 3).stride(stride).padding(1)))?;
    let u = cx.scoped("bn1", |cx| batch_norm(cx, u, true))?;
    let u = cx.scoped("conv2", |cx| conv1d(cx, u, Conv::new(channels, 3).padding(1)))?;
    let u = cx.scoped("bn2", |cx| batch_norm(cx, u, false))?;
    let shortcut = if stride == 1 && cx.g.shape(x).get(1) == Some(&channels) {
        x
    } else {
        cx.scoped("downsample", |cx| {
            let s = cx.scoped("0", |cx| conv1d(cx, x, Conv::new(channels, 1).stride(stride)))?;
            cx.scoped("1", |cx| batch_norm(cx, s, false))
        })?
    };
    let sum = ops::add(cx.g, u, shortcut)?;
    ops::relu(cx.g, sum)
}

impl Network for Physio {
    fn input(&self) -> Input {
        Input::Signal { ecg: self.ecg, eeg: self.eeg, audio: self.audio, length: self.length }
    }

    fn check(&self, shape: &[usize]) -> Result<()> {
        within("model.ecg", self.ecg, 0, 64)?;
        within("model.eeg", self.eeg, 0, 512)?;
        require([0, 1, 3].contains(&self.audio), "model.audio", self.audio, "be 0, 1 or 3")?;
        require(self.ecg + self.eeg + self.audio > 0, "model.ecg", self.ecg, "be positive where model.eeg and model.audio are 0")?;
        within("model.length", self.length, 16, 1 << 20)?;
        within("model.width", self.width, 4, 256)?;
        let stages = format_args!("{:?}", self.blocks).to_string();
        let rule = "have one to six stages of one to sixteen blocks";
        let fits = (1..=6).contains(&self.blocks.len()) && self.blocks.iter().all(|b| (1..=16).contains(b));
        require(fits, "model.blocks", stages, rule)?;
        within("model.hidden", self.hidden, 1, 16_384)?;
        let parts = self.parts(shape.iter().product())?;
        let side = parts.last().filter(|p| p.name == "audio").map_or(32, |p| p.shape[2]);
        require(side >= 32, "image.size", side, "be at least 32, by which the network shrinks it")
    }

    /// (B, ecg·L + eeg·L + audio·S²) -> the features of all modalities, one after the other.
    fn features(&self, cx: &mut Context, x: Var) -> Result<Var> {
        let shape = cx.g.shape(x).clone();
        let [batch, flat] = *shape.0.as_slice() else { return Err(Error::shape("physio", "rows (B, N)", shape.to_string())) };
        let mut all = Vec::new();
        for part in self.parts(flat)? {
            let [c, h, w] = part.shape;
            let own = ops::slice(cx.g, x, 1, part.start, part.start + c * h * w)?;
            let own = ops::reshape(cx.g, own, Shape(vec![batch, c, h, w]))?;
            let features = cx.scoped("nets", |cx| cx.scoped(part.name, |cx| self.net(cx, &part, own)))?;
            cx.mark(&format!("features_{}", part.name), features);
            all.push(features);
        }
        if let [one] = all.as_slice() { Ok(*one) } else { ops::concat(cx.g, &all, 1) }
    }

    /// Late: the logarithm of the fused probabilities, whose softmax they are. Otherwise the perceptron's logits.
    fn head(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Var> {
        match self.fusion {
            Fusion::Late => {
                let (_, fused) = self.late(cx, features, outputs)?;
                ops::ln(cx.g, fused)
            }
            Fusion::Mlp => cx.scoped("fusion", |cx| {
                let hidden = cx.scoped("0", |cx| linear(cx, features, self.hidden, true))?;
                let hidden = ops::relu(cx.g, hidden)?;
                cx.scoped("2", |cx| linear(cx, hidden, outputs, true))
            }),
        }
    }

    /// Late: a head and a loss for each modality, so that their nets train independently.
    fn heads(&self, cx: &mut Context, features: Var, outputs: usize) -> Result<Vec<Var>> {
        match self.fusion {
            Fusion::Late => Ok(self.late(cx, features, outputs)?.0),
            Fusion::Mlp => Ok(vec![self.head(cx, features, outputs)?]),
        }
    }

    fn scope<'a>(&self, group: &'a str) -> &'a str {
        if group == TRUNK || group == "emotion" { "" } else { group }
    }

    fn settled_by(&self) -> Vec<String> {
        let late = self.fusion == Fusion::Late && self.widths().len() > 1;
        self.widths().into_iter().filter(|_| late).map(|(name, _)| logits_of(name)).collect()
    }

    /// The modalities' weights; see [`fusion_weights`].
    fn settle(&self, logits: &[Vec<Vec<f32>>], targets: &[Vec<f32>]) -> Result<Weights> {
        let softmax = |z: &Vec<f32>| {
            let top = z.iter().fold(f32::MIN, |m, z| m.max(*z));
            let e: Vec<f64> = z.iter().map(|z| f64::from(z - top).exp()).collect();
            let sum: f64 = e.iter().sum();
            e.into_iter().map(|e| e / sum).collect::<Vec<f64>>()
        };
        let probabilities: Vec<Vec<Vec<f64>>> = logits.iter().map(|rows| rows.iter().map(softmax).collect()).collect();
        let weights = fusion_weights(&probabilities, targets);
        Ok(Weights::from([("weights".to_string(), (Shape(vec![weights.len()]), weights.iter().map(|w| *w as f32).collect()))]))
    }
}

/// Units of a weight.
const STEPS: usize = 10;

/// The weights on the simplex, in tenths, of which `Σ_m w[m] p[m]` has the least cross-entropy with the targets; of equal ones the
/// lexicographically first.
///
/// # Shapes
/// `probabilities` (M, N, K), `targets` (N, K) distributions; the result has M weights.
pub fn fusion_weights(probabilities: &[Vec<Vec<f64>>], targets: &[Vec<f32>]) -> Vec<f64> {
    let cost = |tenths: &[usize]| {
        let mut total = 0.0;
        for (n, target) in targets.iter().enumerate() {
            for (k, t) in target.iter().enumerate() {
                let fused: f64 = tenths.iter().zip(probabilities).map(|(w, p)| *w as f64 / STEPS as f64 * p[n][k]).sum();
                total -= f64::from(*t) * fused.max(1e-12).ln();
            }
        }
        total / targets.len().max(1) as f64
    };
    let mut best: Option<(f64, Vec<usize>)> = None;
    for tenths in simplex(probabilities.len(), STEPS) {
        let cost = cost(&tenths);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, tenths));
        }
    }
    best.map(|(_, tenths)| tenths.into_iter().map(|w| w as f64 / STEPS as f64).collect()).unwrap_or_default()
}

/// All ways to divide `units` between `n`, in lexicographic order.
fn simplex(n: usize, units: usize) -> Vec<Vec<usize>> {
    match n {
        0 => Vec::new(),
        1 => vec![vec![units]],
        _ => {
            let rest = |first: usize| simplex(n - 1, units - first).into_iter().map(move |tail| [vec![first], tail].concat());
            (0..=units).flat_map(rest).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits of three members for three clips of four classes.
    const Z: [[f64; 12]; 2] = [
        [0.5, -1.25, 2.0, 0.0, -0.75, 3.0, 1.5, -2.0, 0.25, 0.5, -0.5, 1.0],
        [1.0, -0.5, 2.5, 0.25, 2.0, 0.5, -1.0, 0.0, -3.0, 1.0, 0.0, 4.0],
    ];

    /// Weights as PyTorch's exhaustive search in double precision finds them.
    #[test]
    fn weights_are_the_first_of_least_cross_entropy() {
        let rows = |z: &[f64]| z.chunks(4).map(<[f64]>::to_vec).collect::<Vec<_>>();
        let reversed: Vec<f64> = Z[0].chunks(4).flat_map(|z| z.iter().rev().copied().collect::<Vec<_>>()).collect();
        let logits: Vec<Vec<Vec<f32>>> = [&Z[0][..], &Z[1], &reversed]
            .into_iter()
            .map(|z| rows(z).into_iter().map(|r| r.into_iter().map(|v| v as f32).collect()).collect())
            .collect();
        let targets = vec![vec![0.0, 0.0, 1.0, 0.0], vec![0.6, 0.4, 0.0, 0.0], vec![0.0, 0.0, 0.0, 1.0]];
        let found = Physio::preset("small").settle(&logits, &targets).unwrap();
        assert_eq!(found["weights"], ([3].into(), vec![0.1, 0.9, 0.0]));
        // Members that say the same cost the same whatever their weights: the first in the list is (0, 1).
        let same = vec![vec![vec![0.5, 0.5]], vec![vec![0.5, 0.5]]];
        assert_eq!(fusion_weights(&same, &[vec![1.0, 0.0]]), [0.0, 1.0]);
        assert_eq!(simplex(3, 10).len(), 66);
        assert_eq!(fusion_weights(&[vec![vec![1.0]]], &[vec![1.0]]), [1.0]);
    }

    #[test]
    fn rows_are_divided_between_modalities() {
        let net = Physio { eeg: 3, audio: 1, length: 100, ..Physio::preset("small") };
        let parts: Vec<_> = net.parts(400 + 64 * 64).unwrap().iter().map(|p| (p.name, p.shape, p.start)).collect();
        assert_eq!(parts, [("ecg", [1, 1, 100], 0), ("eeg", [3, 1, 100], 100), ("audio", [1, 64, 64], 400)]);
        assert!(net.parts(400).is_err() && net.parts(399).is_err() && net.parts(400 + 65).is_err());
        let signals = Physio { ecg: 0, audio: 0, ..net };
        assert_eq!(signals.parts(300).unwrap().len(), 1);
        assert!(signals.parts(301).is_err());
        assert!(Physio { eeg: 0, ..signals }.check(&[0]).is_err(), "no modality");
    }
}
