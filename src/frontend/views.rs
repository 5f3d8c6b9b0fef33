//! Views of an image at test time: the whole, and parts of it a little enlarged. Time never runs backwards.

use super::{Frontend, Image, image};
use crate::Result;
use crate::graph::{Graph, Var};
use crate::ops;

/// Views of a clip.
pub const VIEWS: usize = 6;

/// Rows or columns of the image that is cut: 278 where the network sees 256, as in Res-Trans's released code.
fn enlarged(n: usize) -> usize {
    (n * 278 + 128) / 256
}

/// Each clip's image as [`image`] makes it, then the image enlarged to 278/256 of its sides and cut to the network's: at the centre, top left,
/// top right, bottom left and bottom right, where top is row 0, the lowest band.
///
/// # Shapes
/// `log_mel` (B, M, T) in dB, `lengths` (B) in samples → (B, [`VIEWS`], C·H·W).
///
/// # Errors
/// Those of [`image`].
pub fn views(g: &mut Graph, log_mel: Var, lengths: Var, f: &Frontend, picture: &Image) -> Result<Var> {
    let (rows, columns) = picture.extents();
    let larger = Image { size: enlarged(columns), height: enlarged(rows), ..picture.clone() };
    let whole = image(g, log_mel, lengths, f, picture)?;
    let large = image(g, log_mel, lengths, f, &larger)?;
    let (down, across) = (enlarged(rows) - rows, enlarged(columns) - columns);
    let mut all = vec![whole];
    for (top, left) in [(down / 2, across / 2), (0, 0), (0, across), (down, 0), (down, across)] {
        let band = ops::slice(g, large, 2, top, top + rows)?;
        all.push(ops::slice(g, band, 3, left, left + columns)?);
    }
    let batch = g.shape(whole)[0];
    let flat = |g: &mut Graph, v: Var| ops::reshape(g, v, [batch, 1, picture.channels * rows * columns]);
    let all = all.into_iter().map(|v| flat(g, v)).collect::<Result<Vec<Var>>>()?;
    ops::concat(g, &all, 1)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{frontend, small};
    use super::super::{Extractor, Inputs, log_mel};
    use super::*;
    use crate::compile::{Options, Program, States};
    use crate::ops::Resize;
    use crate::reference::noise;
    use crate::reference::resize::{Filter, forward};

    /// Against the definition, from the mel bands on: every view of every clip, of square and of wide images.
    #[test]
    fn views_are_those_of_the_definition() {
        let Some(device) = crate::check::device() else { return };
        let clips: Vec<Vec<f32>> = [7000, 3000].iter().map(|&n| noise(n as u64, n).iter().map(|&v| 0.1 * v as f32).collect()).collect();
        let wide = Image { size: 40, height: 24, resize: Resize::Bilinear, ..small() };
        for (picture, filter) in [(Image { size: 48, ..small() }, Filter::Area), (wide, Filter::Bilinear)] {
            let (rows, columns) = picture.extents();
            let inputs = Inputs::Images(frontend(), picture.clone());
            let got = Extractor::of_views(&device, &inputs).unwrap().extract(&clips).unwrap();
            let plain = Extractor::new(&device, &inputs).extract(&clips).unwrap();
            for ((clip, got), plain) in clips.iter().zip(&got).zip(&plain) {
                assert_eq!(got.len(), VIEWS * rows * columns);
                assert!(got[..rows * columns] == plain[..], "the first view is the image itself");
                let mut g = Graph::new();
                let (x, n) = (g.input("x", [1, clip.len()]), g.input("n", [1]));
                let mel = log_mel(&mut g, x, n, &frontend()).unwrap();
                g.output("mel", mel);
                let (bands, frames) = (g.shape(mel)[1], g.shape(mel)[2]);
                let program = Program::new(&g, &States::new(&device), Options::default()).unwrap();
                program.write("x", clip).unwrap();
                program.write_u32("n", &[clip.len() as u32]).unwrap();
                program.run().unwrap();
                let mel: Vec<f64> = program.read("mel").unwrap().iter().map(|&v| f64::from(v) / 80.0 + 1.0).collect();
                let side = (enlarged(rows), enlarged(columns));
                let large = forward(filter, (bands, frames), side, |_| (frames, frames), &mel);
                let (d, e) = (side.0 - rows, side.1 - columns);
                for (view, (top, left)) in [(d / 2, e / 2), (0, 0), (0, e), (d, 0), (d, e)].into_iter().enumerate() {
                    for (i, &v) in got[(view + 1) * rows * columns..][..rows * columns].iter().enumerate() {
                        let want = large[(top + i / columns) * side.1 + left + i % columns];
                        assert!((f64::from(v) - want).abs() < 1e-4, "view {} at {i}: {v}, not {want}", view + 1);
                    }
                }
            }
        }
        let other = Inputs::Sequences(frontend(), crate::train::config::Config::preset("tiny").unwrap().sequence);
        assert!(Extractor::of_views(&device, &other).is_err());
    }
}
