//! The device layer is asynchronous wherever the device answers, so that a browser could run it. These are the same calls for programs
//! that wait.

use super::adapter::AdapterSummary;
use super::device::{Device, Recording};
use super::readback::{Readback, Ticket};
use super::{AdapterRequest, Buffer, Launch, Region};
use crate::Result;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// What `future` comes to, on this thread.
pub(super) fn wait_for<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

impl AdapterRequest {
    /// [`AdapterRequest::list_async`], waiting.
    pub fn list(&self) -> Vec<AdapterSummary> {
        wait_for(self.list_async())
    }
}

impl Device {
    /// [`Device::open_async`], waiting.
    ///
    /// # Errors
    /// As there.
    pub fn open(request: &AdapterRequest) -> Result<Arc<Device>> {
        wait_for(Device::open_async(request))
    }

    /// [`Device::unchecked_async`], waiting.
    ///
    /// # Errors
    /// As there.
    pub fn unchecked(&self) -> Result<Option<Arc<Device>>> {
        wait_for(self.unchecked_async())
    }

    /// [`Device::buffer_async`], waiting.
    ///
    /// # Errors
    /// As there.
    pub fn buffer(&self, label: &str, bytes: u64) -> Result<Buffer> {
        wait_for(self.buffer_async(label, bytes))
    }

    /// [`Device::record_async`], waiting.
    ///
    /// # Errors
    /// As there.
    pub fn record(&self, launches: &[Launch<Region>]) -> Result<Recording> {
        wait_for(self.record_async(launches))
    }

    /// [`Device::replay_timed_async`], waiting.
    ///
    /// # Errors
    /// As there.
    pub fn replay_timed(&self, recording: &Recording) -> Result<Vec<Duration>> {
        wait_for(self.replay_timed_async(recording))
    }

    /// [`Device::read_async`], waiting.
    ///
    /// # Errors
    /// As there.
    pub fn read(&self, region: &Region) -> Result<Vec<u8>> {
        wait_for(self.read_async(region))
    }

    /// [`Device::wait_async`], waiting.
    ///
    /// # Errors
    /// As there.
    pub fn wait(&self) -> Result<()> {
        wait_for(self.wait_async())
    }
}

impl Readback {
    /// [`Readback::take_async`], waiting if the values have not arrived.
    ///
    /// # Errors
    /// As there.
    pub fn take(&mut self, ticket: Ticket) -> Result<&[f32]> {
        wait_for(self.take_async(ticket))
    }
}
