//! Replay with a clock on every launch, for profiling.

use super::device::{Device, RecordedLaunch, Recording, SUBMISSION_WORK};
use crate::{Error, Result};
use std::time::{Duration, Instant};

/// Launches per set of queries: half of what WebGPU allows in one set, for a launch takes two.
const SET: usize = wgpu::QUERY_SET_MAX_QUERIES as usize / 2;

impl Device {
    /// Replays a recording launch by launch, and returns how long each launch took, in order.
    ///
    /// Where the adapter has timestamps ([`Capabilities::timestamps`](super::Capabilities::timestamps)) they are read on the device,
    /// around a pass per launch: the kernel's own time. Elsewhere each launch is submitted and waited for, which adds the cost of a
    /// submission to it. The results of the launches are those of [`Device::replay`].
    ///
    /// # Errors
    /// A fault of the device.
    pub async fn replay_timed_async(&self, recording: &Recording) -> Result<Vec<Duration>> {
        if self.caps().timestamps { self.by_timestamps(&recording.launches).await } else { self.by_waiting(&recording.launches).await }
    }

    async fn by_waiting(&self, launches: &[RecordedLaunch]) -> Result<Vec<Duration>> {
        let mut times = Vec::with_capacity(launches.len());
        self.wait_async().await?;
        for launch in launches {
            let start = Instant::now();
            let mut encoder = self.raw.create_command_encoder(&Default::default());
            launch.encode(&mut encoder.begin_compute_pass(&Default::default()));
            self.queue.submit([encoder.finish()]);
            self.wait_async().await?;
            times.push(start.elapsed());
        }
        Ok(times)
    }

    async fn by_timestamps(&self, launches: &[RecordedLaunch]) -> Result<Vec<Duration>> {
        let mut times = Vec::with_capacity(launches.len());
        let mut rest = launches;
        while !rest.is_empty() {
            let mut work = 0;
            let fits = rest.iter().take(SET).take_while(|l| {
                let fits = work < SUBMISSION_WORK;
                work += l.work;
                fits
            });
            let (now, later) = rest.split_at(fits.count());
            times.extend(self.one_set(now).await?);
            rest = later;
        }
        Ok(times)
    }

    /// One submission of at most [`SET`] launches.
    async fn one_set(&self, launches: &[RecordedLaunch]) -> Result<Vec<Duration>> {
        let count = 2 * launches.len() as u32;
        let bytes = u64::from(count) * u64::from(wgpu::QUERY_SIZE);
        let set = self.raw.create_query_set(&wgpu::QuerySetDescriptor { label: Some("launches"), ty: wgpu::QueryType::Timestamp, count });
        let resolved = self.create("timestamps", bytes, wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let staging = self.create("read timestamps", bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        let mut encoder = self.raw.create_command_encoder(&Default::default());
        for (first, launch) in (0..).step_by(2).zip(launches) {
            let writes = wgpu::ComputePassTimestampWrites {
                query_set: &set,
                beginning_of_pass_write_index: Some(first),
                end_of_pass_write_index: Some(first + 1),
            };
            let pass = wgpu::ComputePassDescriptor { label: None, timestamp_writes: Some(writes) };
            launch.encode(&mut encoder.begin_compute_pass(&pass));
        }
        encoder.resolve_query_set(&set, 0..count, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &staging, 0, bytes);
        self.arrived(self.submit_and_map(encoder, &staging)).await?;
        let view = staging.slice(..).get_mapped_range().map_err(|e| Error::Gpu(format!("timestamps: {e}")))?;
        let ticks: Vec<u64> = bytemuck::pod_collect_to_vec(&view[..]);
        let period = f64::from(self.queue.get_timestamp_period());
        // A clock may be reset between two passes; a launch is then counted as nothing rather than as centuries.
        let time = |t: &[u64]| Duration::from_nanos((t[1].saturating_sub(t[0]) as f64 * period) as u64);
        Ok(ticks.chunks_exact(2).map(time).collect())
    }
}
