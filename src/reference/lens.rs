//! Images as a lens shows them from several distances, with the draws of the shader.

use super::Real;
use super::resize::{self, Filter};
use crate::augment::rng::{Stream, below, unit};

/// Distances of the image from the lens, by its focal length.
pub const DISTANCES: [f64; 6] = [1.5, 1.75, 2.0, 2.5, 3.0, 4.0];

/// Side of an image of `n` pixels as a lens at `distance` shows it: `⌊n/(u/F − 1) + ½⌋`.
pub fn side(n: usize, distance: f64) -> usize {
    ((n as f64 / (distance - 1.0) + 0.5) as usize).max(1)
}

/// Windows of `to` rows and columns of (batch, channels, rows, cols) images, each resampled to the lens's size and back with probability
/// `prob`, by the draws of `stream` under `counter`.
pub fn forward<R: Real>(
    [batch, channels, rows, cols]: [usize; 4],
    to: (usize, usize),
    prob: f32,
    stream: u32,
    counter: [u32; 4],
    x: &[R],
) -> Vec<R> {
    let stream = Stream::new(counter, stream);
    let mut y = Vec::new();
    for image in 0..batch {
        let draw = |i: u32| stream.draw(i, image as u32);
        let seen = unit(draw(0)[0]) < prob;
        let distance = if seen { DISTANCES[below(draw(1)[0], 6) as usize] } else { 2.0 };
        let middle = (side(rows, distance), side(cols, distance));
        let [top, left] = [(0, rows - to.0), (1, cols - to.1)].map(|(axis, room)| below(draw(2)[axis], room as u32 + 1) as usize);
        let own = &x[image * channels * rows * cols..][..channels * rows * cols];
        let shown = resize::forward(Filter::Bilinear, (rows, cols), middle, |_| (cols, cols), own);
        let back = resize::forward(Filter::Bilinear, middle, (rows, cols), |_| (middle.1, middle.1), &shown);
        for plane in back.chunks(rows * cols) {
            (0..to.0).for_each(|r| y.extend_from_slice(&plane[(top + r) * cols + left..][..to.1]));
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::rng::counter;

    #[test]
    fn sides_are_the_published_magnifications() {
        assert_eq!(DISTANCES.map(|u| side(256, u)), [512, 341, 256, 171, 128, 85]);
    }

    #[test]
    fn all_distances_are_seen_and_the_middle_one_changes_nothing() {
        let x: Vec<f64> = (0..60 * 64).map(|i| ((i * 7919) % 101) as f64).collect();
        let whole = forward([60, 1, 8, 8], (8, 8), 1.0, 5, counter(1, 1), &x);
        let same = (0..60).filter(|i| whole[i * 64..][..64] == x[i * 64..][..64]).count();
        assert!((1..30).contains(&same), "{same} of 60 images are as they were");
        assert_eq!(forward([60, 1, 8, 8], (8, 8), 0.0, 5, counter(1, 1), &x), x);
    }
}
