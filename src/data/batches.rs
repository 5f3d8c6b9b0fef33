//! Deals rows out in batches of one size. The order of an epoch is a function of the seed and the epoch, so a run resumes at
//! any step without replaying what came before.

use crate::random::Rng;
use crate::{Error, Result};

/// Keys of the random streams.
const ORDER: u64 = 11;
const DRAWS: u64 = 12;

/// One batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// As many utterances as the batch size.
    pub indices: Vec<usize>,
    /// How many of them, from the first, are this batch's own; the rest only fill it up.
    pub valid: usize,
    /// Epoch, from 0.
    pub epoch: u64,
    /// Step within the epoch, from 0.
    pub step: usize,
}

#[derive(Clone, Debug)]
enum Order {
    Fixed,
    Shuffled,
    /// Rows of each class that has any.
    Balanced(Vec<Vec<usize>>),
}

/// An endless sequence of batches with a position.
#[derive(Clone, Debug)]
pub struct Batches {
    rows: Vec<usize>,
    size: usize,
    seed: u64,
    order: Order,
    epoch: u64,
    step: usize,
    /// The rows of `epoch` in their order.
    current: Vec<usize>,
}

impl Batches {
    /// Batches for training: each epoch has every row once, in a new order; its last batch is filled from its start.
    ///
    /// # Errors
    /// [`Error::Data`] without rows or with batches of zero.
    pub fn training(rows: &[usize], size: usize, seed: u64) -> Result<Self> {
        Self::new(rows.to_vec(), size, seed, Order::Shuffled)
    }

    /// As [`Batches::training`], but every class is met equally often, to within one: rows of small classes recur, all of
    /// them before any a second time, and rows of large classes take turns over the epochs. `classes` is indexed by row.
    ///
    /// # Errors
    /// [`Error::Data`] without rows, with batches of zero, or for a row without a class.
    pub fn balanced(rows: &[usize], classes: &[usize], size: usize, seed: u64) -> Result<Self> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for &row in rows {
            let class = *classes.get(row).ok_or_else(|| Error::Data(format!("row {row} has no class; there are {}", classes.len())))?;
            if class >= groups.len() {
                groups.resize(class + 1, vec![]);
            }
            groups[class].push(row);
        }
        groups.retain(|g| !g.is_empty());
        Self::new(rows.to_vec(), size, seed, Order::Balanced(groups))
    }

    /// Batches for evaluation: the rows in the order given, in every epoch; the last batch is filled with the first row.
    ///
    /// # Errors
    /// [`Error::Data`] without rows or with batches of zero.
    pub fn evaluation(rows: &[usize], size: usize) -> Result<Self> {
        Self::new(rows.to_vec(), size, 0, Order::Fixed)
    }

    fn new(rows: Vec<usize>, size: usize, seed: u64, order: Order) -> Result<Self> {
        if rows.is_empty() || size == 0 {
            return Err(Error::Data(format!("{} utterances in batches of {size}", rows.len())));
        }
        let mut batches = Self { rows, size, seed, order, epoch: 0, step: 0, current: vec![] };
        batches.current = batches.order_of(0);
        Ok(batches)
    }

    /// Batches in an epoch.
    pub fn steps_per_epoch(&self) -> usize {
        self.rows.len().div_ceil(self.size)
    }

    /// Rows in an epoch.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Never: a sequence without rows cannot be made.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Epoch and step of the next batch.
    pub fn position(&self) -> (u64, usize) {
        (self.epoch, self.step)
    }

    /// Continues at `step` of `epoch`; a step past the epoch's end means as many into the next.
    pub fn seek(&mut self, epoch: u64, step: usize) {
        let epoch = epoch + (step / self.steps_per_epoch()) as u64;
        self.step = step % self.steps_per_epoch();
        if epoch != self.epoch {
            self.epoch = epoch;
            self.current = self.order_of(epoch);
        }
    }

    /// The next batch; advances the position.
    pub fn next_batch(&mut self) -> Batch {
        let start = self.step * self.size;
        let valid = self.size.min(self.current.len() - start);
        let mut indices = self.current[start..start + valid].to_vec();
        match self.order {
            Order::Fixed => indices.resize(self.size, self.current[0]),
            _ => indices.extend(self.current.iter().cycle().take(self.size - valid)),
        }
        let batch = Batch { indices, valid, epoch: self.epoch, step: self.step };
        self.seek(self.epoch, self.step + 1);
        batch
    }

    /// The batches of one epoch from its start, leaving the position at the start of the next.
    pub fn epoch(&mut self, epoch: u64) -> impl Iterator<Item = Batch> + '_ {
        self.seek(epoch, 0);
        (0..self.steps_per_epoch()).map(|_| self.next_batch())
    }

    /// The rows of an epoch, shuffled by a stream of its own.
    fn order_of(&self, epoch: u64) -> Vec<usize> {
        let mut rows = match &self.order {
            Order::Fixed => return self.rows.clone(),
            Order::Shuffled => self.rows.clone(),
            Order::Balanced(classes) => self.draw(classes, epoch),
        };
        Rng::new(self.seed, &[ORDER, epoch]).shuffle(&mut rows);
        rows
    }

    /// As many rows as an epoch has, the same number of each class; the remainder goes to classes in turn over the epochs.
    ///
    /// A class is an endless sequence of shuffled passes through its rows, of which epoch e takes the e-th stretch: its
    /// start is known without replay.
    fn draw(&self, classes: &[Vec<usize>], epoch: u64) -> Vec<usize> {
        let (total, count) = (self.rows.len() as u64, classes.len() as u64);
        // Draws of class c before epoch e: those t < e·total with t ≡ c (mod count).
        let before = |class: u64, epoch: u64| (epoch.wrapping_mul(total).saturating_sub(class)).div_ceil(count);
        let mut drawn = Vec::with_capacity(self.rows.len());
        for (class, rows) in classes.iter().enumerate() {
            let (from, to) = (before(class as u64, epoch), before(class as u64, epoch + 1));
            let length = rows.len() as u64;
            for pass in from / length..to.div_ceil(length) {
                let mut shuffled = rows.clone();
                Rng::new(self.seed, &[DRAWS, class as u64, pass]).shuffle(&mut shuffled);
                let taken = (pass * length..).zip(shuffled).filter(|(at, _)| (from..to).contains(at));
                drawn.extend(taken.map(|(_, row)| row));
            }
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(mut v: Vec<usize>) -> Vec<usize> {
        v.sort();
        v
    }

    fn own(batches: &mut Batches, epoch: u64) -> Vec<usize> {
        batches.epoch(epoch).flat_map(|b| b.indices[..b.valid].to_vec()).collect()
    }

    #[test]
    fn each_epoch_has_every_row_once_in_its_own_order() {
        let rows: Vec<usize> = (100..123).collect();
        let mut batches = Batches::training(&rows, 8, 1).unwrap();
        assert_eq!((batches.steps_per_epoch(), batches.len()), (3, 23));
        let (first, second) = (own(&mut batches, 0), own(&mut batches, 1));
        assert_eq!(sorted(first.clone()), rows);
        assert_eq!(sorted(second.clone()), rows);
        assert_ne!(first, second);
        assert_ne!(first, rows);
        assert_ne!(first, own(&mut Batches::training(&rows, 8, 2).unwrap(), 0));
        assert_eq!(first, own(&mut Batches::training(&rows, 5, 1).unwrap(), 0));
    }

    #[test]
    fn the_last_batch_is_filled_from_the_start_of_its_epoch() {
        let mut batches = Batches::training(&[0, 1, 2, 3, 4], 4, 1).unwrap();
        let epoch: Vec<Batch> = batches.epoch(0).collect();
        assert_eq!((epoch[0].valid, epoch[1].valid, epoch[1].indices.len()), (4, 1, 4));
        assert_eq!(epoch[1].indices[1..], epoch[0].indices[..3]);
        assert_eq!(batches.position(), (1, 0));
        // Batches larger than the corpus go round it.
        let batch = Batches::training(&[7, 8], 5, 1).unwrap().next_batch();
        assert_eq!((batch.valid, batch.indices.len()), (2, 5));
        assert_eq!(batch.indices[2..4], batch.indices[..2]);
    }

    #[test]
    fn resuming_equals_going_on() {
        let classes: Vec<usize> = (0..30).map(|i| usize::from(i > 21)).collect();
        let rows: Vec<usize> = (0..30).collect();
        for make in [Batches::training(&rows, 4, 9).unwrap(), Batches::balanced(&rows, &classes, 4, 9).unwrap()] {
            let mut straight = make.clone();
            let all: Vec<Batch> = (0..40).map(|_| straight.next_batch()).collect();
            for (at, batch) in all.iter().enumerate() {
                let mut resumed = make.clone();
                resumed.seek(batch.epoch, batch.step);
                assert_eq!(resumed.position(), (batch.epoch, batch.step));
                assert_eq!(resumed.next_batch(), *batch, "at {at}");
                resumed.seek(0, at);
                assert_eq!(resumed.next_batch(), *batch, "at {at} from the start");
            }
        }
    }

    #[test]
    fn evaluation_keeps_the_order_and_counts() {
        let mut batches = Batches::evaluation(&[5, 3, 9], 2).unwrap();
        let epoch: Vec<Batch> = batches.epoch(0).collect();
        assert_eq!((epoch[0].indices.as_slice(), epoch[0].valid), (&[5, 3][..], 2));
        assert_eq!((epoch[1].indices.as_slice(), epoch[1].valid), (&[9, 5][..], 1));
        assert_eq!(own(&mut batches, 7), [5, 3, 9]);
    }

    #[test]
    fn balanced_epochs_meet_classes_equally_and_rows_fairly() {
        // 20, 6 and 1 rows; class 1 of 4 is empty.
        let classes: Vec<usize> = (0..27)
            .map(|i| {
                if i < 20 {
                    0
                } else if i < 26 {
                    2
                } else {
                    3
                }
            })
            .collect();
        let rows: Vec<usize> = (0..27).collect();
        let mut batches = Batches::balanced(&rows, &classes, 5, 3).unwrap();
        let mut met = vec![0usize; 27];
        for epoch in 0..20 {
            let order = own(&mut batches, epoch);
            assert_eq!(order.len(), 27);
            for class in [0, 2, 3] {
                assert_eq!(order.iter().filter(|&&r| classes[r] == class).count(), 9, "epoch {epoch}, class {class}");
            }
            order.iter().for_each(|&r| met[r] += 1);
        }
        // 180 draws of each class: 9 of each of 20 rows, 30 of each of 6.
        assert!(met[..20].iter().all(|&n| n == 9) && met[20..26].iter().all(|&n| n == 30) && met[26] == 180, "{met:?}");
    }

    #[test]
    fn an_uneven_remainder_goes_round() {
        let classes = [0, 0, 0, 0, 0, 1, 1];
        let rows: Vec<usize> = (0..7).collect();
        let mut batches = Batches::balanced(&rows, &classes, 3, 3).unwrap();
        let counts: Vec<usize> = (0..2).map(|e| own(&mut batches, e).iter().filter(|&&r| classes[r] == 0).count()).collect();
        assert_eq!(counts, [4, 3]);
    }

    #[test]
    fn nothing_to_deal_is_refused() {
        assert!(Batches::training(&[], 4, 1).is_err());
        assert!(Batches::evaluation(&[1], 0).is_err());
        assert!(Batches::balanced(&[3], &[0, 1], 2, 1).is_err());
    }
}
