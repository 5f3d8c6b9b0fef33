//! Random kernels over bands and frames ([`Init::Profiles`](super::Init::Profiles)).

use crate::graph::Shape;
use crate::random::normal;
use half::f16;

/// Widths of a bell, in bands, and of the noise's smoothing: the least and the greatest, drawn evenly by their logarithms.
const BELL: [f64; 2] = [1.5, 30.0];
const SMOOTH: [f64; 2] = [1.0, 12.0];
/// Share of the kernels that sum to 0 over frames.
const CHANGES: f64 = 0.7;

/// Kernels (N, frames, bands) from numbers `unit` in (0, 1).
pub(super) fn kernels(shape: &Shape, unit: &mut impl FnMut() -> f64) -> Vec<f32> {
    let &[n, frames, bands] = shape.0.as_slice() else { return vec![0.0; shape.elements()] };
    (0..n).flat_map(|_| kernel(bands, frames, unit)).collect()
}

fn kernel(bands: usize, frames: usize, unit: &mut impl FnMut() -> f64) -> Vec<f32> {
    let (profile, mut time) = (profile(bands, unit), (0..frames).map(|_| normal(unit)).collect::<Vec<f64>>());
    if unit() < CHANGES && frames > 1 {
        let mean = time.iter().sum::<f64>() / frames as f64;
        time.iter_mut().for_each(|t| *t -= mean);
    }
    let square = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>();
    let norm = (square(&profile) * square(&time)).sqrt().max(f64::MIN_POSITIVE);
    time.iter().flat_map(|t| profile.iter().map(move |p| f16::from_f64(p * t / norm).to_f32())).collect()
}

/// A bell around a random band times smooth noise.
fn profile(bands: usize, unit: &mut impl FnMut() -> f64) -> Vec<f64> {
    let mut between = |[least, greatest]: [f64; 2]| least * (greatest / least).powf(unit());
    let (width, smooth) = (between(BELL), between(SMOOTH));
    let centre = bands as f64 * unit();
    let noise: Vec<f64> = (0..bands).map(|_| normal(unit)).collect();
    let bell = |d: f64, width: f64| (-0.5 * (d / width).powi(2)).exp();
    let smoothed = |i: usize| noise.iter().enumerate().map(|(j, v)| v * bell(i as f64 - j as f64, smooth)).sum::<f64>();
    (0..bands).map(|i| bell(i as f64 - centre, width) * smoothed(i)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Init, Params};
    use crate::graph::Graph;

    /// Norm 1, rank 1, most without a mean over frames; other seeds are other kernels.
    #[test]
    fn kernels_are_profiles_times_weights() {
        let (n, bands, frames) = (1000, 20, 5);
        let mut params = Params::new(|_| true);
        params.param(&mut Graph::new(), "", "w", [n, frames, bands], Init::Profiles).unwrap();
        let all = &params.initial(1)["w"].1;
        let mut changes = 0;
        for kernel in all.chunks(bands * frames) {
            let norm = kernel.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
            assert!((norm - 1.0).abs() < 1e-2, "{norm}");
            let row = |i: usize| (0..frames).map(|t| kernel[t * bands + i]).collect::<Vec<f32>>();
            let size = |i: usize| row(i).iter().map(|v| v.abs()).sum::<f32>();
            let largest = (0..bands).max_by(|a, b| size(*a).total_cmp(&size(*b))).unwrap();
            for i in 0..bands {
                let cross = row(i)[0] * row(largest)[1] - row(i)[1] * row(largest)[0];
                assert!(cross.abs() < 2e-3, "{cross}");
            }
            changes += usize::from(row(largest).iter().sum::<f32>().abs() < 1e-2 * size(largest));
        }
        assert!((n * 65 / 100..n * 75 / 100).contains(&changes), "{changes}");
        assert_ne!(*all, params.initial(2)["w"].1);
    }
}
