//! A value that a callback of the driver brings later, as a future.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

struct State<T> {
    value: Option<T>,
    closed: bool,
    waker: Option<Waker>,
}

type Shared<T> = Arc<Mutex<State<T>>>;

/// What the callback holds.
pub(super) struct Sender<T>(Shared<T>);

/// What the value is awaited by: none when the sender was dropped without a value.
pub(super) struct Receiver<T>(Shared<T>);

/// A sender for one value, and its receiver.
pub(super) fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Mutex::new(State { value: None, closed: false, waker: None }));
    (Sender(shared.clone()), Receiver(shared))
}

fn lock<T>(shared: &Shared<T>) -> MutexGuard<'_, State<T>> {
    shared.lock().unwrap_or_else(|p| p.into_inner())
}

impl<T> Sender<T> {
    /// Delivers the value.
    pub(super) fn send(self, value: T) {
        lock(&self.0).value = Some(value);
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut state = lock(&self.0);
            state.closed = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Receiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = lock(&self.0);
        if state.closed {
            return Poll::Ready(state.value.take());
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::super::blocking::wait_for;
    use super::*;

    #[test]
    fn a_value_wakes_who_waits_for_it_and_a_lost_sender_does_too() {
        let (sender, receiver) = channel();
        let thread = std::thread::spawn(move || wait_for(receiver));
        sender.send(7);
        assert_eq!(thread.join().expect("a value"), Some(7));
        let (sender, receiver) = channel::<u32>();
        let thread = std::thread::spawn(move || wait_for(receiver));
        drop(sender);
        assert_eq!(thread.join().expect("an end"), None);
    }
}
