//! What is kept by key because making it takes long, such as programs of several sizes.

use crate::{Error, Result};
use std::collections::BTreeMap;

/// Values by key, each with the memory it holds. Where they get too many or too large, those unused the longest go.
#[derive(Debug)]
pub struct Kept<K, V> {
    most: usize,
    most_bytes: u64,
    uses: u64,
    /// The number of its last use, bytes, the value.
    all: BTreeMap<K, (u64, u64, V)>,
}

impl<K: Ord + Clone, V> Kept<K, V> {
    /// Nothing yet, and at most so many values of so many bytes in all.
    pub fn new(most: usize, most_bytes: u64) -> Self {
        Kept { most, most_bytes, uses: 0, all: BTreeMap::new() }
    }

    /// The value of a key, which is kept no longer.
    pub fn take(&mut self, key: &K) -> Option<V> {
        self.all.remove(key).map(|(_, _, value)| value)
    }

    /// Keeps a value, and lets others go for it.
    pub fn put(&mut self, key: K, value: V, bytes: u64) {
        self.uses += 1;
        self.all.remove(&key);
        let held = |all: &BTreeMap<K, (u64, u64, V)>| all.values().map(|(_, bytes, _)| bytes).sum::<u64>();
        while !self.all.is_empty() && (self.all.len() >= self.most || held(&self.all) + bytes > self.most_bytes) {
            let oldest = self.all.iter().min_by_key(|(_, (used, ..))| *used).map(|(key, _)| key.clone());
            oldest.and_then(|key| self.all.remove(&key));
        }
        self.all.insert(key, (self.uses, bytes, value));
    }

    /// Makes a value. Where there is no memory for it, all others go, `released` says so to the device, and it is tried once more.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn make(&mut self, released: impl FnOnce() -> Result<()>, mut make: impl FnMut() -> Result<V>) -> Result<V> {
        match make() {
            Err(Error::OutOfMemory { .. } | Error::Allocation { .. }) if !self.all.is_empty() => {
                self.all.clear();
                released()?;
                make()
            }
            made => made,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_was_unused_the_longest_goes_first() {
        let mut kept = Kept::new(3, 100);
        for (key, bytes) in [(1, 10), (2, 10), (3, 10)] {
            kept.put(key, key, bytes);
        }
        // Used again.
        assert_eq!(kept.take(&1), Some(1));
        kept.put(1, 1, 10);
        kept.put(4, 4, 10);
        assert_eq!([1, 2, 3, 4].map(|key| kept.all.contains_key(&key)), [true, false, true, true]);
        kept.put(5, 5, 85);
        assert_eq!(kept.all.keys().copied().collect::<Vec<_>>(), [4, 5], "too many bytes");
        kept.put(6, 6, 1000);
        assert_eq!(kept.all.keys().copied().collect::<Vec<_>>(), [6], "one is kept whatever it holds");
    }

    #[test]
    fn a_lack_of_memory_is_met_by_letting_others_go() {
        let full = || Error::OutOfMemory { needed: 2, available: 1, fits_batch: None };
        let mut kept = Kept::new(3, 100);
        let (tries, told) = (Cell::new(0), Cell::new(0));
        let make = |fails: i32| {
            tries.set(tries.get() + 1);
            if tries.get() <= fails { Err(full()) } else { Ok(7) }
        };
        let released = || {
            told.set(told.get() + 1);
            Ok(())
        };
        assert!(kept.make(released, || make(1)).is_err(), "nothing can go");
        kept.put(1, 1, 1);
        tries.set(0);
        assert_eq!(kept.make(released, || make(1)).unwrap(), 7);
        assert_eq!((tries.get(), told.get(), kept.all.len()), (2, 1, 0));
    }
}
