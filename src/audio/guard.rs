//! Turns a panic inside a decoder into a reason, without a word on stderr.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Once,
};

use super::clip::Reason;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f`, which decodes untrusted bytes.
///
/// The process's panic hook is wrapped once, so that a panic under `f` on this thread prints nothing: the caller reports
/// it as one error line. All other panics reach the hook that was there before.
pub(super) fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Reason> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outer = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                outer(info);
            }
        }));
    });
    QUIET.set(true);
    // Unwind safety: what `f` touches is dropped with it, the bytes it reads are shared and immutable.
    let result = catch_unwind(AssertUnwindSafe(f));
    QUIET.set(false);
    result.map_err(|payload| {
        let message = payload
            .downcast_ref::<&str>()
            .map(|s| s.to_string())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".into());
        format!("malformed: the decoder gave up ({message})")
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_panic_becomes_a_reason() {
        let reason = super::catch(|| -> u8 { panic!("index {} out of range", 7) }).unwrap_err();
        assert!(reason.contains("index 7 out of range"), "{reason}");
        assert_eq!(super::catch(|| 5), Ok(5));
    }
}
