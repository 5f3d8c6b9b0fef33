//! A standing read-back: a few values of every run, through two staging buffers made once.

use super::device::Arrival;
use super::{Device, Region};
use crate::{Error, Result};
use std::sync::Arc;

/// Runs whose values may be on their way at once.
const SLOTS: usize = 2;

/// Reads the same regions run after run and allocates nothing for it. [`submit`](Readback::submit) copies them all after the work submitted
/// so far and does not wait. [`take`](Readback::take) gives the values of that submission and waits only if they have not arrived. Taking
/// the values of one run after the next has been submitted keeps the device busy.
pub struct Readback {
    device: Arc<Device>,
    regions: Vec<Region>,
    slots: [Slot; SLOTS],
    submitted: u64,
    values: Vec<f32>,
}

struct Slot {
    staging: wgpu::Buffer,
    /// The submission whose values it holds or will hold.
    pending: Option<(u64, Arrival)>,
}

/// Stands for the values of one submission.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "values are read by `Readback::take`"]
pub struct Ticket(u64);

impl Readback {
    /// Of `regions` of single-precision values.
    pub fn new(device: &Arc<Device>, regions: Vec<Region>) -> Self {
        let bytes: u64 = regions.iter().map(|r| r.size).sum();
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let slots = std::array::from_fn(|_| Slot { staging: device.create("read back", bytes.max(4), usage), pending: None });
        Readback { device: device.clone(), regions, slots, submitted: 0, values: vec![0.0; bytes as usize / 4] }
    }

    /// Copies the regions after all work submitted so far. Does not wait. The values are kept until they are taken, or until the second
    /// submission from now.
    ///
    /// # Errors
    /// A fault the driver has reported.
    pub fn submit(&mut self) -> Result<Ticket> {
        let ticket = self.submitted;
        self.submitted += 1;
        let slot = &mut self.slots[(ticket % SLOTS as u64) as usize];
        if slot.pending.take().is_some() {
            slot.staging.unmap();
        }
        let mut encoder = self.device.raw.create_command_encoder(&Default::default());
        let mut at = 0;
        for r in &self.regions {
            encoder.copy_buffer_to_buffer(&r.buffer.raw, r.offset, &slot.staging, at, r.size);
            at += r.size;
        }
        slot.pending = Some((ticket, self.device.submit_and_map(encoder, &slot.staging)));
        self.device.check()?;
        Ok(Ticket(ticket))
    }

    /// The values of a submission, region after region.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] or [`Error::Gpu`]; [`Error::Graph`] when two later submissions have replaced the values.
    pub async fn take_async(&mut self, ticket: Ticket) -> Result<&[f32]> {
        let slot = &mut self.slots[(ticket.0 % SLOTS as u64) as usize];
        let (_, arrival) = slot.pending.take_if(|(of, _)| *of == ticket.0).ok_or_else(|| {
            Error::Graph(format!("the values of submission {} are gone: {} came after it, {SLOTS} are kept", ticket.0, self.submitted))
        })?;
        self.device.arrived(arrival).await?;
        let view = slot.staging.slice(..).get_mapped_range().map_err(|e| Error::Gpu(format!("read back: {e}")))?;
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.values);
        // The staging buffer of no values at all is not empty.
        bytes.copy_from_slice(&view[..bytes.len()]);
        drop(view);
        slot.staging.unmap();
        Ok(&self.values)
    }
}
