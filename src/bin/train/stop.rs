//! Ctrl-C, and the signals with which a system or a terminal ends programs: a run stops after its step, and the program at once where another comes.

use anyhow::{Context as _, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// What was asked for from outside.
pub struct Stop {
    /// Set to stop.
    pub flag: Arc<AtomicBool>,
    /// The signal that set it.
    signal: Arc<AtomicI32>,
}

/// What shells say of a program that a signal ended.
const BY_SIGNAL: i32 = 128;
/// Ctrl-C, where systems have numbers for signals.
const INTERRUPT: i32 = 2;

impl Stop {
    /// The exit code of a run that was stopped.
    pub fn code(&self) -> u8 {
        (BY_SIGNAL + self.signal.load(Ordering::Relaxed)) as u8
    }

    fn new() -> Self {
        Stop { flag: Arc::default(), signal: Arc::new(AtomicI32::new(INTERRUPT)) }
    }
}

/// Follows the signals from now on.
#[cfg(unix)]
pub fn on_signals() -> Result<Stop> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let stop = Stop::new();
    let (flag, number) = (stop.flag.clone(), stop.signal.clone());
    let all: Vec<i32> = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !ignored(*signal)).collect();
    let mut signals = signal_hook::iterator::Signals::new(all).context("cannot follow signals")?;
    let follow = move || {
        for signal in signals.forever() {
            // A second one does not wait for the step to end.
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(BY_SIGNAL + signal);
            }
            number.store(signal, Ordering::Relaxed);
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(follow).context("cannot follow signals")?;
    Ok(stop)
}

/// Whether whoever started the program wants a signal ignored, as nohup does; where the system does not say, no.
#[cfg(unix)]
fn ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Follows Ctrl-C from now on.
#[cfg(not(unix))]
pub fn on_signals() -> Result<Stop> {
    let stop = Stop::new();
    let flag = stop.flag.clone();
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(BY_SIGNAL + INTERRUPT);
        }
    })
    .context("cannot catch Ctrl-C")?;
    Ok(stop)
}
