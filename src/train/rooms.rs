//! Inputs of different length in one batch: the room they share, and the zeros behind each.

use crate::frontend::Inputs;

/// Frames of the smallest room; larger ones are multiples of it.
const STEP: usize = 32;

/// The fewest frames a network is shown. Inputs of fewer have zeros in their place.
const FEWEST: usize = 2;

/// How inputs of frames, as many as each clip has, are put into batches. There are few rooms, so few programs serve all lengths: each is a
/// quarter larger than the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rooms {
    /// Values of a frame.
    width: usize,
    /// The most frames there are room for.
    most: usize,
}

impl Rooms {
    /// Those of inputs whose length differs from clip to clip; none of others.
    pub fn of(inputs: &Inputs) -> Option<Self> {
        match inputs.shape()[..] {
            [most, width] if matches!(inputs, Inputs::Frames(..)) => Some(Rooms { width, most }),
            _ => None,
        }
    }

    /// The most frames there are room for.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The frames of an input.
    pub fn frames(&self, input: &[f32]) -> usize {
        (input.len() / self.width).clamp(FEWEST, self.most.max(FEWEST))
    }

    /// The least room for so many frames.
    pub fn least(&self, frames: usize) -> usize {
        let mut room = STEP;
        while room < frames {
            room = (room + room / 4).next_multiple_of(STEP);
        }
        room.min(self.most.max(FEWEST))
    }

    /// The least room for an input.
    pub fn room(&self, input: &[f32]) -> usize {
        self.least(self.frames(input))
    }

    /// The frames that a batch of `rows` inputs has room for.
    pub fn of_batch(&self, x: &[f32], rows: usize) -> usize {
        x.len() / (self.width * rows.max(1))
    }

    /// A batch of inputs, each repeated to the end of the room, so that all of it is valid.
    pub fn repeat<'a>(&self, inputs: impl Iterator<Item = &'a [f32]>, room: usize) -> (Vec<f32>, Vec<u32>) {
        let (mut x, mut lengths) = (Vec::new(), Vec::new());
        for (i, input) in inputs.enumerate() {
            let own = if input.len() < self.width { vec![0.0; self.width] } else { input.to_vec() };
            while x.len() < (i + 1) * room * self.width {
                x.extend_from_slice(&own[..own.len().min((i + 1) * room * self.width - x.len())]);
            }
            lengths.push(room as u32);
        }
        (x, lengths)
    }

    /// A batch of inputs with zeros behind each, and how many frames of each are its own.
    pub fn fill<'a>(&self, inputs: impl Iterator<Item = &'a [f32]>, room: usize) -> (Vec<f32>, Vec<u32>) {
        let (mut x, mut lengths) = (Vec::new(), Vec::new());
        for (i, input) in inputs.enumerate() {
            let own = input.len().min(room * self.width);
            x.extend_from_slice(&input[..own]);
            x.resize((i + 1) * room * self.width, 0.0);
            lengths.push(self.frames(input).min(room) as u32);
        }
        (x, lengths)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::config::Config;

    fn rooms(seconds: f64) -> Rooms {
        let config = Config::preset("tiny").unwrap();
        Rooms::of(&Inputs::Frames(config.frontend, crate::frontend::Frames { seconds })).unwrap()
    }

    #[test]
    fn rooms_grow_by_quarters_up_to_the_most() {
        let rooms = rooms(30.0);
        let mut all: Vec<usize> = (1..=3000).map(|frames| rooms.least(frames)).collect();
        assert!(all.iter().zip(1..).all(|(room, frames)| *room >= frames));
        all.dedup();
        assert_eq!(all, [32, 64, 96, 128, 160, 224, 288, 384, 480, 608, 768, 960, 1216, 1536, 1920, 2400, 3000]);
        assert_eq!(rooms.least(9999), 3000);
        let config = Config::preset("tiny").unwrap();
        assert_eq!(Rooms::of(&Inputs::Images(config.frontend, config.image)), None);
    }

    #[test]
    fn batches_are_filled_with_zeros_behind_each_input() {
        let rooms = rooms(0.4);
        let inputs = [vec![1.0; 4 * 80], vec![2.0; 80], vec![3.0; 6 * 80], vec![4.0; 99 * 80], vec![]];
        let (x, lengths) = rooms.fill(inputs.iter().map(Vec::as_slice), 6);
        // A frame alone is too short for a network, and is shown with one of zeros behind it.
        assert_eq!(lengths, [4, 2, 6, 6, 2]);
        let sums: Vec<f32> = x.chunks(6 * 80).map(|row| row.iter().sum()).collect();
        assert_eq!(sums, [320.0, 160.0, 1440.0, 1920.0, 0.0]);
        assert_eq!((x[4 * 80 - 1], x[4 * 80]), (1.0, 0.0));
        assert_eq!((rooms.of_batch(&x, 5), rooms.frames(&inputs[3]), rooms.room(&inputs[3])), (6, 40, 40));
    }

    #[test]
    fn inputs_are_repeated_to_the_end_of_their_room() {
        let row = |frames: usize| (0..frames).flat_map(|t| vec![t as f32; 80]).collect::<Vec<f32>>();
        let inputs = [row(4), row(9), row(6), vec![]];
        let (x, lengths) = rooms(1.0).repeat(inputs.iter().map(Vec::as_slice), 6);
        assert_eq!(lengths, [6; 4]);
        let frames: Vec<f32> = x.chunks(80).map(|frame| frame[79]).collect();
        assert_eq!(frames, [0., 1., 2., 3., 0., 1., 0., 1., 2., 3., 4., 5., 0., 1., 2., 3., 4., 5., 0., 0., 0., 0., 0., 0.]);
    }
}
