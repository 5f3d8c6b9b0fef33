//! Deals rows out in batches of one size. The order of an epoch is a function of the seed and the epoch, so a run resumes at
//! any step without replaying what came before.

use crate::random::Rng;
use crate::{Error, Result};

/// Keys of the random streams.
const ORDER: u64 = 11;
const DRAWS: u64 = 12;

#[derive(Clone, Debug)]
enum Order {
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

    /// Continues at `step` of `epoch`; a step past the epoch's end means as many into the next.
    pub fn seek(&mut self, epoch: u64, step: usize) {
        let epoch = epoch + (step / self.steps_per_epoch()) as u64;
        self.step = step % self.steps_per_epoch();
        if epoch != self.epoch {
            self.epoch = epoch;
            self.current = self.order_of(epoch);
        }
    }

    /// The rows of the next batch, as many as its size; advances the position.
    pub fn next_batch(&mut self) -> Vec<usize> {
        let start = self.step * self.size;
        let end = self.current.len().min(start + self.size);
        let filling = self.current.iter().cycle().take(start + self.size - end);
        let rows = self.current[start..end].iter().chain(filling).copied().collect();
        self.seek(self.epoch, self.step + 1);
        rows
    }

    /// The rows of an epoch, shuffled by a stream of its own.
    fn order_of(&self, epoch: u64) -> Vec<usize> {
        let mut rows = match &self.order {
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

    fn batches_of(batches: &mut Batches, epoch: u64) -> Vec<Vec<usize>> {
        batches.seek(epoch, 0);
        (0..batches.steps_per_epoch()).map(|_| batches.next_batch()).collect()
    }

    /// The rows of an epoch, without those that fill its last batch.
    fn own(batches: &mut Batches, epoch: u64) -> Vec<usize> {
        let mut rows = batches_of(batches, epoch).concat();
        rows.truncate(batches.rows.len());
        rows
    }

    #[test]
    fn each_epoch_has_every_row_once_in_its_own_order() {
        let rows: Vec<usize> = (100..123).collect();
        let mut batches = Batches::training(&rows, 8, 1).unwrap();
        assert_eq!(batches.steps_per_epoch(), 3);
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
        let epoch = batches_of(&mut batches, 0);
        assert_eq!((epoch[0].len(), epoch[1].len()), (4, 4));
        assert_eq!(epoch[1][1..], epoch[0][..3]);
        assert!(!epoch[0].contains(&epoch[1][0]));
        assert_eq!((batches.epoch, batches.step), (1, 0));
        // Batches larger than the corpus go round it.
        let batch = Batches::training(&[7, 8], 5, 1).unwrap().next_batch();
        assert_eq!((batch.len(), batch[0] + batch[1]), (5, 15));
        assert_eq!(batch[2..4], batch[..2]);
    }

    #[test]
    fn resuming_equals_going_on() {
        let classes: Vec<usize> = (0..30).map(|i| usize::from(i > 21)).collect();
        let rows: Vec<usize> = (0..30).collect();
        for make in [Batches::training(&rows, 4, 9).unwrap(), Batches::balanced(&rows, &classes, 4, 9).unwrap()] {
            let mut straight = make.clone();
            for at in 0..40 {
                let (epoch, step) = (straight.epoch, straight.step);
                let batch = straight.next_batch();
                let mut resumed = make.clone();
                resumed.seek(epoch, step);
                assert_eq!(resumed.next_batch(), batch, "at {at}");
                resumed.seek(0, at);
                assert_eq!(resumed.next_batch(), batch, "at {at} from the start");
            }
        }
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
        assert!(Batches::training(&[1], 0, 1).is_err());
        assert!(Batches::balanced(&[3], &[0, 1], 2, 1).is_err());
    }
}
