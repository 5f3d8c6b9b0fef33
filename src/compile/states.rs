//! State: named device buffers that outlive programs (parameters, moments, running statistics).

use crate::gpu::{Buffer, Device, Region};
use crate::graph::StateRef;
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Named buffers on one device, shared by every program compiled against them. Cloning shares them too.
#[derive(Clone)]
pub struct States {
    device: Arc<Device>,
    buffers: BTreeMap<String, Buffer>,
    version: Arc<AtomicU64>,
}

impl States {
    /// No buffers yet.
    pub fn new(device: &Arc<Device>) -> Self {
        States { device: device.clone(), buffers: BTreeMap::new(), version: Arc::default() }
    }

    /// The device they live on.
    pub fn device(&self) -> &Arc<Device> {
        &self.device
    }

    /// Creates (or replaces) a zeroed buffer of `elements` values.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] when the device cannot hold it.
    pub fn create(&mut self, name: &str, elements: usize) -> Result<()> {
        let buffer = self.device.buffer(name, 4 * elements as u64)?;
        self.buffers.insert(name.to_string(), buffer);
        Ok(())
    }

    /// Whether a buffer of that name exists.
    pub fn contains(&self, name: &str) -> bool {
        self.buffers.contains_key(name)
    }

    /// Names and sizes in bytes.
    pub fn sizes(&self) -> impl Iterator<Item = (&str, u64)> {
        self.buffers.iter().map(|(n, b)| (n.as_str(), b.size()))
    }

    /// The bytes of `elements` values at `place`.
    ///
    /// # Errors
    /// When there is no such buffer or the range is outside it.
    pub fn region(&self, place: &StateRef, elements: usize) -> Result<Region> {
        let b = self.buffers.get(&place.buffer).ok_or_else(|| Error::Graph(format!("no state buffer named {:?}", place.buffer)))?;
        let (offset, size) = (4 * place.offset as u64, 4 * elements as u64);
        if offset + size > b.size() {
            return Err(Error::Graph(format!("state {:?}: {offset}+{size} bytes is outside its {} bytes", place.buffer, b.size())));
        }
        Ok(b.region(offset, size))
    }

    /// Writes values at `place`, before any later run.
    ///
    /// # Errors
    /// See [`States::region`].
    pub fn write(&self, place: &StateRef, values: &[f32]) -> Result<()> {
        let r = self.region(place, values.len())?;
        self.changed();
        self.device.write(&r.buffer, r.offset, bytemuck::cast_slice(values));
        Ok(())
    }

    /// Copies the first `elements` values of one buffer to another.
    ///
    /// # Errors
    /// See [`States::region`].
    pub fn copy(&self, from: &str, to: &str, elements: usize) -> Result<()> {
        let at = |buffer: &str| self.region(&StateRef { buffer: buffer.into(), offset: 0 }, elements);
        self.device.copy(&at(from)?, &at(to)?);
        self.changed();
        Ok(())
    }

    fn changed(&self) {
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts changes of any buffer, so that what was derived from state is known to be out of date.
    pub(super) fn version(&self) -> Arc<AtomicU64> {
        self.version.clone()
    }

    /// Reads values at `place`, after all earlier runs.
    ///
    /// # Errors
    /// See [`States::region`], and device faults.
    pub fn read(&self, place: &StateRef, elements: usize) -> Result<Vec<f32>> {
        let bytes = self.device.read(&self.region(place, elements)?)?;
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }
}
