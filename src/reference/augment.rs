//! Random changes to images, with the draws of the shaders.

use super::Real;
use crate::augment::rng::{Stream, below, unit};
use crate::ops::Change;

/// Each of (batch, channels, rows, cols) images changed with probability `prob` by the draws of `stream` under `counter`.
pub fn forward<R: Real>(
    [batch, channels, rows, cols]: [usize; 4],
    change: &Change,
    prob: f32,
    stream: u32,
    counter: [u32; 4],
    x: &[R],
) -> Vec<R> {
    let stream = Stream::new(counter, stream);
    let mut y = x.to_vec();
    let size = rows * cols;
    for image in 0..batch {
        let draw = |i: usize| stream.draw(i as u32, image as u32);
        if unit(draw(0)[0]) >= prob {
            continue;
        }
        let value = pixel_rule(change, rows, cols, &draw);
        for channel in 0..channels {
            let base = (image * channels + channel) * size;
            for i in 0..size {
                y[base + i] = value(i / cols, i % cols, &x[base..base + size]);
            }
        }
    }
    y
}

type Rule<R> = Box<dyn Fn(usize, usize, &[R]) -> R>;

/// The new value of pixel (row, col) of a plane.
fn pixel_rule<R: Real>(change: &Change, rows: usize, cols: usize, draw: &dyn Fn(usize) -> [u32; 2]) -> Rule<R> {
    match *change {
        Change::RandomCut { least, zoom, shift } => {
            let (size, origin) = (draw(1), draw(2));
            let down = cut(rows, [size[0], origin[0]], least, zoom, shift);
            let across = cut(cols, [size[1], origin[1]], least, 0.0, shift);
            Box::new(move |row, col, plane| bilinear(plane, [rows, cols], down(row), across(col)))
        }
        Change::Cutout { count, size: (height, width), fill } => {
            let corner = |s: usize| (below(draw(1 + s)[0], (rows - height + 1) as u32), below(draw(1 + s)[1], (cols - width + 1) as u32));
            let corners: Vec<(usize, usize)> = (0..count).map(corner).map(|(top, left)| (top as usize, left as usize)).collect();
            Box::new(move |row, col, plane| {
                let inside = |&(top, left): &(usize, usize)| (top..top + height).contains(&row) && (left..left + width).contains(&col);
                if corners.iter().any(inside) { R::of(f64::from(fill)) } else { plane[row * cols + col] }
            })
        }
        Change::SaltPepper { share, pepper, low, high } => {
            let draws: Vec<[u32; 2]> = (0..rows * cols).map(|i| draw(1 + i)).collect();
            Box::new(move |row, col, plane| {
                let [which, value] = draws[row * cols + col];
                match (unit(which) < share, unit(value) < pepper) {
                    (true, true) => R::of(f64::from(low)),
                    (true, false) => R::of(f64::from(high)),
                    _ => plane[row * cols + col],
                }
            })
        }
        Change::SpecAugment { columns, rows: bands, fill } => {
            let across: Vec<_> = (0..columns.0).map(|s| mask(draw(1 + s), columns.1, cols)).collect();
            let down: Vec<_> = (0..bands.0).map(|s| mask(draw(17 + s), bands.1, rows)).collect();
            Box::new(move |row, col, plane| {
                let hidden = across.iter().any(|m| m.contains(&col)) || down.iter().any(|m| m.contains(&row));
                if hidden { R::of(f64::from(fill)) } else { plane[row * cols + col] }
            })
        }
        Change::Warp { tempo, zoom, level } => {
            let [rate, start, stretch, shift] = [draw(1)[0], draw(1)[1], draw(2)[0], draw(2)[1]].map(|bits| f64::from(unit(bits)));
            let around = |most: f32, u: f64| f64::from(most) * (2.0 * u - 1.0);
            let (rate, stretch, shift) = (1.0 + around(tempo, rate), 1.0 + around(zoom, stretch), around(level, shift));
            Box::new(move |row, col, plane| {
                let v = (row as f64 * stretch).min((rows - 1) as f64);
                let h = (cols as f64 * start + col as f64 * rate).rem_euclid(cols as f64);
                let mut sum = R::of(shift);
                for (i, a) in [(v as usize, 1.0 - v.fract()), ((v as usize + 1).min(rows - 1), v.fract())] {
                    for (j, b) in [(h as usize, 1.0 - h.fract()), ((h as usize + 1) % cols, h.fract())] {
                        sum += R::of(a * b) * plane[i * cols + j];
                    }
                }
                sum
            })
        }
    }
}

/// Where output pixels of a random cut along an axis of `n` lie in the input, by draws of size and origin.
fn cut(n: usize, [size, origin]: [u32; 2], least: f32, zoom: f32, shift: f32) -> impl Fn(usize) -> f64 {
    let (size, origin, least) = (f64::from(unit(size)), f64::from(unit(origin)), f64::from(least));
    let mut extent = n as f64 * (least + (1.0 - least) * size);
    let mut from = origin * (n as f64 - extent);
    if zoom > 0.0 {
        extent = n as f64 * (1.0 + f64::from(zoom) * (2.0 * size - 1.0));
        from = n as f64 - extent + n as f64 * f64::from(shift) * (2.0 * origin - 1.0);
    }
    move |o| (from + (o as f64 + 0.5) * extent / n as f64 - 0.5).clamp(0.0, (n - 1) as f64)
}

/// `plane` between its pixels.
fn bilinear<R: Real>(plane: &[R], [rows, cols]: [usize; 2], v: f64, h: f64) -> R {
    let mut sum = R::zero();
    for (i, a) in [(v as usize, 1.0 - v.fract()), ((v as usize + 1).min(rows - 1), v.fract())] {
        for (j, b) in [(h as usize, 1.0 - h.fract()), ((h as usize + 1).min(cols - 1), h.fract())] {
            sum += R::of(a * b) * plane[i * cols + j];
        }
    }
    sum
}

/// A stripe of at most `most` along an axis of `n`.
fn mask(draw: [u32; 2], most: usize, n: usize) -> std::ops::Range<usize> {
    let width = below(draw[0], most as u32 + 1) as usize;
    let from = below(draw[1], (n - width + 1) as u32) as usize;
    from..from + width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_met_and_channels_agree() {
        let x = vec![0.5; 2 * 2 * 100 * 100];
        let change = Change::SaltPepper { share: 0.1, pepper: 0.25, low: 0.0, high: 1.0 };
        let y = forward([2, 2, 100, 100], &change, 1.0, 3, [1, 2, 3, 0], &x);
        let count = |v: f64| y[..10_000].iter().filter(|&&p| p == v).count();
        assert!((200..300).contains(&count(0.0)) && (700..800).contains(&count(1.0)), "{} {}", count(0.0), count(1.0));
        assert!(y[..10_000] == y[10_000..20_000] && y[..10_000] != y[20_000..30_000]);
    }

    #[test]
    fn a_warp_turns_an_image_around_its_end() {
        let x: Vec<f64> = (0..3).flat_map(|row| (0..50).map(move |col| f64::from(100 * row + (col - 25i32).abs()))).collect();
        let y = forward([1, 1, 3, 50], &Change::Warp { tempo: 0.0, zoom: 0.0, level: 0.0 }, 1.0, 1, [1, 2, 3, 0], &x);
        // Moved by some columns, whole or not, but for its corners.
        assert!(y != x && y.chunks(50).zip(x.chunks(50)).all(|(y, x)| (y.iter().sum::<f64>() - x.iter().sum::<f64>()).abs() < 1.0));
        let steps = y[..50].iter().zip(&y[1..50]).filter(|(a, b)| ((*a - *b).abs() - 1.0).abs() < 1e-9).count();
        assert!(steps >= 46, "{steps} of 49");
        let faster = forward([1, 1, 3, 50], &Change::Warp { tempo: 0.5, zoom: 0.0, level: 2.0 }, 1.0, 1, [1, 2, 3, 0], &x);
        let step = (faster[1] - faster[0]).abs();
        assert!((0.5..1.5).contains(&step) && (step - 1.0).abs() > 1e-3, "{step}");
    }

    #[test]
    fn a_cut_of_the_whole_image_changes_nothing() {
        let x: Vec<f64> = (0..30).map(f64::from).collect();
        let y = forward([1, 1, 5, 6], &Change::RandomCut { least: 1.0, zoom: 0.0, shift: 0.0 }, 1.0, 1, [1, 2, 3, 0], &x);
        assert!(x.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-9), "{y:?}");
    }
}
