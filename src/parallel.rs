//! Work spread over threads, each of which takes the next piece when it has finished one.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads that can run at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// `f(0), f(1), …, f(count - 1)` in this order, made by `threads` threads; up to one thread is the caller's own.
///
/// # Panics
/// As `f` does.
pub(crate) fn map<T: Send>(threads: usize, count: usize, f: impl Fn(usize) -> T + Sync) -> Vec<T> {
    map_with(threads, count, || Some(()), |(), i| f(i))
}

/// As [`map`], each thread with a value of its own from `start`. A thread without one takes no piece; where all go without, nothing is done.
///
/// # Panics
/// As `start` and `f` do.
pub(crate) fn map_with<S, T: Send>(
    threads: usize,
    count: usize,
    start: impl Fn() -> Option<S> + Sync,
    f: impl Fn(&mut S, usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || -> Vec<(usize, T)> {
        let Some(mut own) = start() else { return Vec::new() };
        let pieces = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed)).take_while(|i| *i < count);
        pieces.map(|i| (i, f(&mut own, i))).collect()
    };
    let threads = threads.min(count);
    if threads <= 1 {
        return work().into_iter().map(|(_, value)| value).collect();
    }
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|w| w.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order() {
        let slow_first = |i: usize| {
            std::thread::sleep(std::time::Duration::from_millis(if i == 0 { 20 } else { 0 }));
            i * i
        };
        for threads in [0, 1, 3, 99] {
            assert_eq!(map(threads, 10, slow_first), (0..10).map(|i| i * i).collect::<Vec<_>>());
        }
        assert!(map(4, 0, |i| i).is_empty());
    }

    #[test]
    fn threads_without_a_start_leave_their_work_to_others() {
        let (started, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let start = || (started.fetch_add(1, Ordering::Relaxed) == 2).then_some(());
        let all = map_with(3, 20, start, |(), i| (i, taken.fetch_add(1, Ordering::Relaxed)));
        assert_eq!(all, (0..20).map(|i| (i, i)).collect::<Vec<_>>());
        assert!(map_with(3, 20, || None, |(): &mut (), i| i).is_empty());
    }
}
