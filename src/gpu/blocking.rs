//! The device layer is asynchronous wherever the device answers, so that a browser can run it; here the same calls wait instead.

use super::readback::{Readback, Ticket};
use super::{Device, Region};
use crate::Result;

impl Device {
    /// [`Device::read_async`], waiting.
    ///
    /// # Errors
    /// As there.
    pub fn read(&self, region: &Region) -> Result<Vec<u8>> {
        pollster::block_on(self.read_async(region))
    }

    /// [`Device::wait_async`], waiting.
    ///
    /// # Errors
    /// As there.
    pub fn wait(&self) -> Result<()> {
        pollster::block_on(self.wait_async())
    }
}

impl Readback {
    /// [`Readback::take_async`], waiting if the values have not arrived.
    ///
    /// # Errors
    /// As there.
    pub fn take(&mut self, ticket: Ticket) -> Result<&[f32]> {
        pollster::block_on(self.take_async(ticket))
    }
}
