//! Cases of signal processing and images: no gradients, clips with lengths.

use crate::build::Built;
use crate::case::Case;
use anyhow::{Context as _, Result, anyhow};
use emotone::augment::{HorizontalMixup, MixLabels};
use emotone::features::{self, Frontend};
use emotone::graph::{Graph, Var};
use emotone::ops::{self, DecibelScale, Framing};
use std::collections::BTreeMap;

fn choice<T: std::str::FromStr<Err = String>>(case: &Case, key: &str) -> Result<T> {
    case.word(key)?.parse().map_err(|e: String| anyhow!(e))
}

/// Builds a signal case; `None` when the op is not one of these.
pub fn build(case: &Case, g: &mut Graph, vars: &BTreeMap<String, Var>) -> Result<Option<Built>> {
    let v = |name: &str| vars.get(name).copied().with_context(|| format!("no input {name}"));
    let mut built = Built::default();
    let mut out = |name: &str, y: Var| {
        built.outputs.insert(name.to_string(), y);
    };
    match case.op.as_str() {
        "pre_emphasis" => {
            let (x, lengths) = clip(g, v("x")?)?;
            let y = ops::pre_emphasis(g, x, lengths, case.number("coefficient")? as f32)?;
            out("y", y);
        }
        "stft" => {
            let (x, lengths) = clip(g, v("x")?)?;
            let framing = Framing {
                window: choice(case, "window")?,
                win_length: case.count("win_length")?,
                hop: case.count("hop_length")?,
                n_fft: case.count("n_fft")?,
                padding: choice(case, "pad_mode")?,
                pre_emphasis: 0.0,
            };
            let (re, im) = ops::stft(g, x, lengths, &framing)?;
            out("re", re);
            out("im", im);
        }
        "mel_spectrogram" => {
            let (x, lengths) = clip(g, v("x")?)?;
            let f = Frontend {
                sample_rate: case.count("sample_rate")? as u32,
                pre_emphasis: 0.0,
                window: choice(case, "window")?,
                padding: choice(case, "pad_mode")?,
                frame: case.count("win_length")?,
                hop: case.count("hop_length")?,
                n_fft: case.count("n_fft")?,
                n_mels: case.count("n_mels")?,
                f_min: case.number("f_min")?,
                f_max: case.number("f_max")?,
                mel_scale: choice(case, "mel_scale")?,
                mel_norm: choice(case, "mel_norm")?,
                power: case.number("power")?,
                db_floor: -80.0,
            };
            let y = features::mel_spectrogram(g, x, lengths, &f)?;
            let scale = DecibelScale { hop: f.hop, squared: f.power == 1.0, relative: true, range: 80.0 };
            let y = if case.word("log")? == "db" { ops::decibel(g, y, lengths, scale)? } else { y };
            out("y", y);
        }
        "resize" => {
            let [h, w] = case.counts("size")?;
            let y = ops::resize(g, v("x")?, (h, w), choice(case, "mode")?)?;
            out("y", y);
        }
        "horizontal_mixup" => {
            let [a, b, c] = [case.number("a")?, case.number("b")?, case.number("c")?];
            let mixup = HorizontalMixup { ratio: 1.0, a, b, c, labels: MixLabels::Share };
            let y = ops::horizontal_mixup(g, v("x1")?, v("x2")?, mixup.curve())?;
            let columns = g.shape(y).last().copied().unwrap_or(1);
            let share = g.constant([1], &[mixup.share(columns) as f32])?;
            let share = ops::affine(g, share, 1.0, 0.0)?;
            out("y", y);
            out("share", share);
        }
        _ => return Ok(None),
    }
    Ok(Some(built))
}

/// A single clip as a batch of one, and its length.
fn clip(g: &mut Graph, x: Var) -> Result<(Var, Var)> {
    let n = g.shape(x).elements();
    let x = ops::reshape(g, x, [1, n])?;
    let lengths = ops::whole(g, 1, n)?;
    Ok((x, lengths))
}
