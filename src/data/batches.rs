//! Deals rows out in batches of one size. The order of an epoch is a function of the seed and the epoch, so a run resumes at
//! any step without replaying what came before.

use crate::random::Rng;
use crate::{Error, Result};

/// Keys of the random streams.
const ORDER: u64 = 11;
const DRAWS: u64 = 12;
const ALIKE: u64 = 13;

/// Batches whose rows are sorted together where like rows are dealt together: few, so that an epoch is as random as its length allows.
const TOGETHER: usize = 16;

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
    /// What rows of a batch should have alike, by row.
    alike: Option<Vec<usize>>,
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
        let mut batches = Self { rows, size, seed, order, alike: None, epoch: 0, step: 0, current: vec![] };
        batches.current = batches.order_of(0);
        Ok(batches)
    }

    /// The same epochs in batches of rows that have `value`, indexed by row, alike (the length of their inputs): the rows of some batches in
    /// the epoch's order are sorted together, those of equal value in that order, and the batches are dealt in a new order.
    ///
    /// # Errors
    /// [`Error::Data`] for a row without a value.
    pub fn alike(mut self, value: Vec<usize>) -> Result<Self> {
        if let Some(row) = self.rows.iter().find(|r| **r >= value.len()) {
            return Err(Error::Data(format!("row {row} has no length; there are {}", value.len())));
        }
        self.alike = Some(value);
        self.current = self.order_of(self.epoch);
        Ok(self)
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
        self.alike.as_ref().map_or_else(|| rows.clone(), |value| self.sorted(rows.clone(), value, epoch))
    }

    /// An epoch's rows in batches of like ones. A last batch that is not full stays the last, filled with the rows most like it.
    fn sorted(&self, mut rows: Vec<usize>, value: &[usize], epoch: u64) -> Vec<usize> {
        rows.chunks_mut(TOGETHER * self.size).for_each(|some| some.sort_by_key(|row| value[*row]));
        let full = rows.len() / self.size * self.size;
        let mut batches: Vec<&[usize]> = rows[..full].chunks(self.size).collect();
        Rng::new(self.seed, &[ALIKE, epoch]).shuffle(&mut batches);
        let (last, mut order) = (&rows[full..], batches.concat());
        if !last.is_empty() {
            let near = rows[full / (TOGETHER * self.size) * (TOGETHER * self.size)..].iter().rev().cycle();
            order.extend(last);
            order.extend(near.skip(last.len()).take(self.size - last.len()));
        }
        order
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
    fn like_rows_share_batches_and_every_row_is_met_once() {
        let length = |row: usize| row * 7919 % 41 / 8;
        let value: Vec<usize> = (0..203).map(length).collect();
        let rows: Vec<usize> = (0..203).collect();
        let spread = |batch: &Vec<usize>| batch.iter().map(|r| length(*r)).max().unwrap() - batch.iter().map(|r| length(*r)).min().unwrap();
        let mut plain = Batches::training(&rows, 8, 5).unwrap();
        let mut alike = plain.clone().alike(value.clone()).unwrap();
        let (first, second) = (batches_of(&mut alike, 0), batches_of(&mut alike, 1));
        assert_eq!(first.len(), 26);
        assert!(first.iter().all(|b| b.len() == 8));
        for epoch in [&first, &second] {
            // 5 rows of the last batch are others' that are like it.
            assert_eq!(sorted(epoch.concat()[..203].to_vec()), rows);
            assert!(epoch.iter().map(spread).sum::<usize>() <= 12, "{:?}", epoch.iter().map(spread).collect::<Vec<_>>());
            assert!(spread(&epoch[25]) <= 1, "{:?}", epoch[25]);
        }
        assert!(batches_of(&mut plain, 0).iter().map(spread).sum::<usize>() > 80);
        // Batches hold other rows in other epochs, and do not come in the order of lengths.
        let sets = |epoch: &[Vec<usize>]| epoch.iter().map(|b| sorted(b.clone())).collect::<std::collections::BTreeSet<_>>();
        assert!(sets(&first).intersection(&sets(&second)).count() < 3);
        let lengths: Vec<usize> = first.iter().map(|b| length(b[0])).collect();
        assert!(lengths.windows(2).filter(|w| w[0] > w[1]).count() > 5, "{lengths:?}");
        // Fewer rows than a batch has, and resuming.
        let few = Batches::training(&[3, 9], 5, 1).unwrap().alike(value.clone()).unwrap().next_batch();
        assert_eq!((few.len(), sorted(few[..2].to_vec())), (5, vec![3, 9]));
        let (mut again, batch) = (plain.clone().alike(value).unwrap(), &second[7]);
        again.seek(1, 7);
        assert_eq!(again.next_batch(), *batch);
        assert!(plain.alike(vec![0; 202]).unwrap_err().to_string().contains("row 202 has no length"));
    }

    #[test]
    fn nothing_to_deal_is_refused() {
        assert!(Batches::training(&[], 4, 1).is_err());
        assert!(Batches::training(&[1], 0, 1).is_err());
        assert!(Batches::balanced(&[3], &[0, 1], 2, 1).is_err());
    }
}
