//! Faults that the driver reported, kept for the next call that can return them.

use crate::{Error, Result};
use std::sync::{Arc, Mutex};

/// The first fault the driver reported, or the loss of the device, shared with its callbacks.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Option<Fault>>>);

/// A fault as the driver told it.
pub(super) enum Fault {
    Lost(String),
    Memory(String),
    Other(String),
}

impl Faults {
    pub(super) fn record(&self, fault: Fault) {
        let mut first = self.0.lock().unwrap_or_else(|p| p.into_inner());
        // Errors that follow from a loss may be reported before the loss itself.
        let explains = matches!((&*first, &fault), (Some(Fault::Memory(_) | Fault::Other(_)), Fault::Lost(_)));
        if first.is_none() || explains {
            *first = Some(fault);
        }
    }

    /// An error once a fault has been reported; the fault stays, since nothing computed after it can be trusted.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] or [`Error::Gpu`].
    pub fn check(&self) -> Result<()> {
        match &*self.0.lock().unwrap_or_else(|p| p.into_inner()) {
            None => Ok(()),
            Some(Fault::Lost(why)) => Err(Error::DeviceLost(why.clone())),
            Some(Fault::Memory(why)) => Err(Error::Gpu(format!("out of device memory: {why}"))),
            Some(Fault::Other(why)) => Err(Error::Gpu(why.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_stays() {
        let faults = Faults::default();
        assert!(faults.check().is_ok());
        faults.record(Fault::Lost("gone".into()));
        faults.record(Fault::Other("later".into()));
        for _ in 0..2 {
            assert!(matches!(faults.check(), Err(Error::DeviceLost(m)) if m == "gone"));
        }
        let faults = Faults::default();
        faults.record(Fault::Other("a buffer is invalid".into()));
        faults.record(Fault::Lost("gone".into()));
        assert!(matches!(faults.check(), Err(Error::DeviceLost(m)) if m == "gone"));
    }
}
