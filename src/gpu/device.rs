//! The open device: memory, transfers and replay of launches.

use super::adapter::{Capabilities, Opened};
use super::cache::Cache;
use super::faults::Faults;
use super::pipeline::{Key, Pipeline};
use super::signal::{Receiver, channel};
use super::{AdapterRequest, Buffer, Region};
use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// An open adapter. Everything above this layer works through it.
pub struct Device {
    pub(super) raw: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    caps: Arc<Capabilities>,
    request: AdapterRequest,
    cache: Cache,
    watcher: Mutex<Option<Watcher>>,
    faults: Faults,
    created: AtomicUsize,
    pipelines: Mutex<HashMap<Key, Arc<Pipeline>>>,
    spare: OnceLock<wgpu::Buffer>,
}

/// Hears how many of how many pipelines a software driver has compiled.
type Watcher = Box<dyn Fn(usize, usize) + Send + Sync>;

/// Device memory held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Live allocations: buffers, and what the driver layer keeps for itself.
    pub allocations: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Launches with pipelines, bind groups and parameters prepared, ready to be replayed.
pub struct Recording {
    pub(super) launches: Vec<RecordedLaunch>,
}

/// One of them.
pub(super) struct RecordedLaunch {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) group: wgpu::BindGroup,
    pub(super) groups: [u32; 3],
    /// Estimated floating-point operations and bytes, to bound the length of a submission.
    pub(super) work: u64,
}

impl RecordedLaunch {
    pub(super) fn encode(&self, pass: &mut wgpu::ComputePass) {
        pass.set_pipeline(&self.pipeline.raw);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(self.groups[0], self.groups[1], self.groups[2]);
    }
}

/// A submission, or all of them, and the callback that follows.
pub(super) struct Arrival {
    submission: Option<wgpu::SubmissionIndex>,
    callback: Receiver<Result<(), wgpu::BufferAsyncError>>,
}

/// Work per submission: about 100 ms on a slow integrated GPU (100 Gop/s), so that no watchdog fires.
pub(super) const SUBMISSION_WORK: u64 = 10_000_000_000;
/// Bytes of each stretch of the buffer that takes the place of operands which a launch does not have: a vector of four.
pub(super) const SPARE_BYTES: u64 = 16;
/// How many there are.
const SPARE: u64 = 16;
/// Launches per submission.
const SUBMISSION_LAUNCHES: usize = 4096;

impl Device {
    pub(super) fn new(opened: Opened, request: &AdapterRequest) -> Device {
        Device {
            raw: opened.device,
            queue: opened.queue,
            caps: Arc::new(opened.caps),
            request: request.clone(),
            cache: opened.cache,
            watcher: Mutex::new(None),
            faults: opened.faults,
            created: AtomicUsize::new(0),
            pipelines: Mutex::new(HashMap::new()),
            spare: OnceLock::new(),
        }
    }

    /// Puts the width of subgroups that was verified in the place of the one stated.
    pub(super) fn verified(&mut self, subgroup_size: Option<u32>) {
        Arc::make_mut(&mut self.caps).subgroup_size = subgroup_size;
    }

    /// What the adapter can do.
    pub fn caps(&self) -> &Arc<Capabilities> {
        &self.caps
    }

    /// What is remembered about it between programs.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Whether neither the user nor `doctor` switched `word` off; see [`AdapterRequest::disable`].
    pub fn allows(&self, word: &str) -> bool {
        !self.request.disable.iter().chain(&self.caps.switched_off).any(|d| d == word)
    }

    /// Calls `watcher`, from any thread, with how many of how many pipelines a software driver has compiled so far. It does so once per
    /// driver and kernel; other work waits meanwhile.
    pub fn watch_precompilation(&self, watcher: impl Fn(usize, usize) + Send + Sync + 'static) {
        *self.watcher.lock().unwrap_or_else(|p| p.into_inner()) = Some(Box::new(watcher));
    }

    pub(super) fn precompiled(&self, done: usize, all: usize) {
        if let Some(watcher) = &*self.watcher.lock().unwrap_or_else(|p| p.into_inner()) {
            watcher(done, all);
        }
    }

    /// Pipelines compiled so far.
    pub(super) fn pipelines(&self) -> MutexGuard<'_, HashMap<Key, Arc<Pipeline>>> {
        self.pipelines.lock().unwrap_or_else(|p| p.into_inner())
    }

    /// Bytes from one stretch of [`Device::spare`] to the next.
    pub(super) fn spare_stride(&self) -> u64 {
        u64::from(self.caps.storage_alignment).max(SPARE_BYTES)
    }

    /// Memory that is bound where a launch has no operand.
    pub(super) fn spare(&self) -> &wgpu::Buffer {
        self.spare.get_or_init(|| self.create("spare", SPARE * self.spare_stride(), wgpu::BufferUsages::STORAGE))
    }

    /// What it was opened by.
    pub(super) fn request(&self) -> &AdapterRequest {
        &self.request
    }

    /// Allocates `bytes` (rounded up to 4) of zeroed storage.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] when the device cannot hold it; [`Error::Allocation`] when the driver has no memory left.
    pub async fn buffer_async(&self, label: &str, bytes: u64) -> Result<Buffer> {
        let size = bytes.max(4).next_multiple_of(4);
        if size > self.caps.max_buffer {
            return Err(Error::OutOfMemory { needed: size, available: self.caps.max_buffer, fits_batch: None });
        }
        let scope = self.raw.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        let raw = self.create(label, size, usage);
        if let Some(e) = scope.pop().await {
            return Err(self.refused(label, size, &e));
        }
        self.check()?;
        Ok(Buffer { raw: Arc::new(raw) })
    }

    /// Creates a buffer, and counts it.
    pub(super) fn create(&self, label: &str, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.created.fetch_add(1, Ordering::Relaxed);
        self.raw.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false })
    }

    /// Buffers created since the device was opened. It does not grow over steps that allocate nothing.
    pub fn buffers_created(&self) -> usize {
        self.created.load(Ordering::Relaxed)
    }

    fn refused(&self, label: &str, bytes: u64, e: &wgpu::Error) -> Error {
        let Memory { allocations, bytes: held } = self.memory();
        match e {
            wgpu::Error::OutOfMemory { .. } => Error::Allocation { what: label.into(), bytes, held, allocations, fits_batch: None },
            e => Error::Gpu(format!("allocating {bytes} bytes for {label}: {e}")),
        }
    }

    /// Device memory this program holds; nothing where the backend does not tell.
    pub fn memory(&self) -> Memory {
        // Releases what finished submissions held on to.
        let _ = self.raw.poll(wgpu::PollType::Poll);
        let report = self.raw.generate_allocator_report();
        report.map_or_else(Memory::default, |r| Memory { allocations: r.allocations.len(), bytes: r.total_allocated_bytes })
    }

    /// Writes `data` at byte `offset`, ordered before any later submission.
    pub fn write(&self, buffer: &Buffer, offset: u64, data: &[u8]) {
        self.queue.write_buffer(&buffer.raw, offset, data);
    }

    /// Reads a region back after all earlier work.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] or [`Error::Gpu`].
    pub async fn read_async(&self, region: &Region) -> Result<Vec<u8>> {
        let size = region.size.next_multiple_of(4);
        let staging = self.create("read back", size, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        let mut encoder = self.raw.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&region.buffer.raw, region.offset, &staging, 0, size);
        self.arrived(self.submit_and_map(encoder, &staging)).await?;
        let view = staging.slice(..).get_mapped_range().map_err(|e| Error::Gpu(format!("read back: {e}")))?;
        Ok(view[..region.size as usize].to_vec())
    }

    /// Copies bytes between buffers on the device.
    pub fn copy(&self, from: &Region, to: &Region) {
        let mut encoder = self.raw.create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&from.buffer.raw, from.offset, &to.buffer.raw, to.offset, from.size.min(to.size));
        self.queue.submit([encoder.finish()]);
    }

    /// Gives the device up, as a driver that crashes or a card that is pulled does: whatever is asked of it next fails with
    /// [`Error::DeviceLost`].
    pub fn destroy(&self) {
        self.raw.destroy();
    }

    /// Until all submitted work is done.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] or [`Error::Gpu`] when the device reported a fault.
    pub async fn wait_async(&self) -> Result<()> {
        let (sender, callback) = channel();
        self.queue.on_submitted_work_done(|| sender.send(Ok(())));
        self.arrived(Arrival { submission: None, callback }).await
    }

    /// Submits what fills `staging`, and asks for its bytes.
    pub(super) fn submit_and_map(&self, encoder: wgpu::CommandEncoder, staging: &wgpu::Buffer) -> Arrival {
        let submission = Some(self.queue.submit([encoder.finish()]));
        let (sender, callback) = channel();
        staging.slice(..).map_async(wgpu::MapMode::Read, |outcome| sender.send(outcome));
        Arrival { submission, callback }
    }

    /// Until `arrival`. On the desktop polling waits and runs the callbacks; in a browser it does nothing, and the event loop runs them
    /// while this future sleeps.
    pub(super) async fn arrived(&self, arrival: Arrival) -> Result<()> {
        let polled = self.raw.poll(wgpu::PollType::Wait { submission_index: arrival.submission, timeout: None });
        if polled.is_err() {
            // A lost device refuses the wait first and tells of the loss then.
            let _ = self.raw.poll(wgpu::PollType::Poll);
        }
        self.check()?;
        polled.map_err(|e| Error::Gpu(e.to_string()))?;
        let outcome = arrival.callback.await;
        self.check()?;
        outcome.unwrap_or(Err(wgpu::BufferAsyncError)).map_err(|e| Error::Gpu(format!("read back: {e}")))
    }

    /// Reports a fault the driver raised since the device was opened.
    pub(super) fn check(&self) -> Result<()> {
        if self.faults.check().is_err() {
            // Lets the driver say what is behind it.
            let _ = self.raw.poll(wgpu::PollType::Poll);
        }
        self.faults.check()
    }

    /// Encodes and submits a recording, split so that no submission runs for long. Does not wait.
    ///
    /// # Errors
    /// A fault the driver has reported.
    pub fn replay(&self, recording: &Recording) -> Result<()> {
        let mut at = 0;
        while at < recording.launches.len() {
            let mut work = 0;
            let mut encoder = self.raw.create_command_encoder(&Default::default());
            {
                let mut pass = encoder.begin_compute_pass(&Default::default());
                let first = at;
                while at < recording.launches.len() && work < SUBMISSION_WORK && at - first < SUBMISSION_LAUNCHES {
                    let launch = &recording.launches[at];
                    launch.encode(&mut pass);
                    work += launch.work;
                    at += 1;
                }
            }
            self.queue.submit([encoder.finish()]);
        }
        self.check()
    }
}
