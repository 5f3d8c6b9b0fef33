//! Signal processing and images: no gradients, clips with lengths.

use crate::file::File;
use crate::ops::{Inputs, Op};
use anyhow::{Result, anyhow};
use emotone::augment::{HorizontalMixup, MixLabels};
use emotone::frontend::{self, Denoise, Extent, Frontend, MelNorm, MelScale, vector};
use emotone::graph::{Graph, Var};
use emotone::ops::{self, DecibelScale, Framing, Padding, Window};

fn choice<T: std::str::FromStr<Err = String>>(file: &File, key: &str) -> Result<T> {
    file.word(key)?.parse().map_err(|e: String| anyhow!(e))
}

/// The op of that name; `None` when it is not one of these.
pub fn find(name: &str) -> Option<Op> {
    Some(match name {
        "pre_emphasis" => |f, g, x| {
            let (x, lengths) = clip(g, x.get("x")?)?;
            Ok(vec![ops::pre_emphasis(g, x, lengths, f.number("coefficient")? as f32)?])
        },
        "stft" => |f, g, x| {
            let (x, lengths) = clip(g, x.get("x")?)?;
            let (re, im) = ops::stft(g, x, lengths, &framing(f)?)?;
            Ok(vec![re, im])
        },
        "mel_spectrogram" => mel_spectrogram,
        "mfcc" => mfcc,
        "moments" => |f, g, x| {
            let x = x.get("x")?;
            let (shape, lengths) = (g.shape(x).clone(), ops::whole(g, 1, f.count("length")?)?);
            let x = ops::reshape(g, x, [1, shape[0], shape[1]])?;
            let y = ops::moments(g, x, lengths, f.count("hop")?)?;
            Ok(vec![single(g, y)?])
        },
        "dft" => |f, g, x| {
            let (x, lengths) = clip(g, x.get("x")?)?;
            let y = ops::dft(g, x, lengths, f.count("frame")?, f.count("hop")?)?;
            Ok(vec![single(g, y)?])
        },
        "short_term" => |f, g, x| {
            let (x, lengths) = clip(g, x.get("x")?)?;
            let (rate, frame, hop) = (f.count("sample_rate")? as u32, f.count("frame")?, f.count("hop")?);
            let magnitudes = ops::dft(g, x, lengths, frame, hop)?;
            let y = ops::short_term(g, x, lengths, magnitudes, rate, frame, hop)?;
            Ok(vec![single(g, y)?])
        },
        "resize" => |f, g, x| {
            let [h, w] = f.counts("size")?;
            Ok(vec![ops::resize(g, x.get("x")?, (h, w), choice(f, "mode")?)?])
        },
        "horizontal_mixup" => |f, g, x| {
            let [a, b, c] = [f.number("a")?, f.number("b")?, f.number("c")?];
            let mixup = HorizontalMixup { ratio: 1.0, a, b, c, labels: MixLabels::Share };
            let y = ops::horizontal_mixup(g, x.get("x1")?, x.get("x2")?, mixup.curve())?;
            let columns = g.shape(y).last().copied().unwrap_or(1);
            let share = g.constant([1], &[mixup.share(columns) as f32])?;
            Ok(vec![y, ops::affine(g, share, 1.0, 0.0)?])
        },
        _ => return None,
    })
}

fn framing(f: &File) -> Result<Framing> {
    Ok(Framing {
        window: choice(f, "window")?,
        win_length: f.count("win_length")?,
        hop: f.count("hop_length")?,
        n_fft: f.count("n_fft")?,
        padding: choice(f, "pad_mode")?,
        pre_emphasis: 0.0,
    })
}

fn mel_spectrogram(f: &File, g: &mut Graph, x: &Inputs) -> Result<Vec<Var>> {
    let (x, lengths) = clip(g, x.get("x")?)?;
    let Framing { window, win_length, hop, n_fft, padding, .. } = framing(f)?;
    let frontend = Frontend {
        sample_rate: f.count("sample_rate")? as u32,
        denoise: Denoise::None,
        extent: Extent::Whole,
        pre_emphasis: 0.0,
        window,
        padding,
        frame: win_length,
        hop,
        n_fft,
        n_mels: f.count("n_mels")?,
        f_min: f.number("f_min")?,
        f_max: f.number("f_max")?,
        mel_scale: choice(f, "mel_scale")?,
        mel_norm: choice(f, "mel_norm")?,
        power: f.number("power")?,
        db_floor: -80.0,
    };
    let y = frontend::mel_spectrogram(g, x, lengths, &frontend)?;
    let scale = DecibelScale { hop, squared: frontend.power == 1.0, relative: true, range: 80.0 };
    Ok(vec![if f.word("log")? == "db" { ops::decibel(g, y, lengths, scale)? } else { y }])
}

fn mfcc(f: &File, g: &mut Graph, x: &Inputs) -> Result<Vec<Var>> {
    let (x, lengths) = clip(g, x.get("x")?)?;
    let (sample_rate, n_fft) = (f.count("sample_rate")? as u32, f.count("n_fft")?);
    let frontend = Frontend {
        sample_rate,
        denoise: Denoise::None,
        extent: Extent::Whole,
        pre_emphasis: 0.0,
        window: Window::Hann,
        padding: Padding::Constant,
        frame: n_fft,
        hop: f.count("hop_length")?,
        n_fft,
        n_mels: f.count("n_mels")?,
        f_min: 0.0,
        f_max: f64::from(sample_rate) / 2.0,
        mel_scale: MelScale::Slaney,
        mel_norm: MelNorm::Slaney,
        power: 2.0,
        db_floor: -80.0,
    };
    Ok(vec![vector::cepstra(g, x, lengths, &frontend, f.count("n_mfcc")?)?])
}

/// The only one of a batch of one.
fn single(g: &mut Graph, y: Var) -> Result<Var> {
    let shape = g.shape(y)[1..].to_vec();
    Ok(ops::reshape(g, y, shape)?)
}

/// A single clip as a batch of one, and its length.
fn clip(g: &mut Graph, x: Var) -> Result<(Var, Var)> {
    let n = g.shape(x).elements();
    let x = ops::reshape(g, x, [1, n])?;
    let lengths = ops::whole(g, 1, n)?;
    Ok((x, lengths))
}
