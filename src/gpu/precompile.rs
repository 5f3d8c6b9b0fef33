//! Mesa's software Vulkan makes machine code of a pipeline only when it first runs, one after the other on one thread, and keeps it on disk.
//! A network's first step would wait for that on one core. So further devices on the same adapter, one per thread, run the new pipelines
//! beforehand with no workgroups: each has a thread of its own in the driver, and the first step finds the code on disk.

use super::blocking::wait_for;
use super::pipeline::Key;
use super::{AdapterRequest, Device};
use crate::{Result, hash::hex, parallel};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What was compiled on which adapter and driver before.
const FILE: &str = "precompiled.json";
/// Fewer pipelines than this are not worth the devices.
const WORTH: usize = 8;
/// The driver that keeps machine code on disk.
const KEEPS_CODE: &str = "llvmpipe";
/// Bytes behind each binding; nothing reads them.
const DUMMY: u64 = 4096;

/// Makes the driver compile those of `keys` that it has not compiled before, on the threads of the request. Without threads, or without a
/// cache that remembers it, they are left for their first use. What fails here fails again, with a message, when it is used.
pub(super) fn new_ones(device: &Device, keys: &[Key]) {
    let request = device.request();
    if !device.caps().driver.contains(KEEPS_CODE) || request.threads < 2 || request.cache.is_none() || keys.len() < WORTH {
        return;
    }
    let mut known: BTreeSet<String> = device.cache().recall(FILE).unwrap_or_default();
    let new: Vec<(String, &Key)> =
        keys.iter().filter_map(|k| Some((fingerprint(k, device.caps().unchecked)?, k))).filter(|(f, _)| !known.contains(f)).collect();
    if new.len() < WORTH {
        return;
    }
    let done = AtomicUsize::new(0);
    let open = || Device::open(&AdapterRequest { threads: 1, ..request.clone() }).ok();
    parallel::map_with(request.threads.min(new.len() / 4), new.len(), open, |other, i| {
        let _ = wait_for(run_empty(other, new[i].1));
        device.precompiled(1 + done.fetch_add(1, Ordering::Relaxed), new.len());
    });
    known.extend(new.into_iter().map(|(f, _)| f));
    device.cache().remember(FILE, Some(&known));
}

/// Stands for a pipeline's code.
fn fingerprint(key: &Key, unchecked: bool) -> Option<String> {
    let source = key.expanded().ok()?;
    let digest =
        Sha256::new().chain_update(key.entry).chain_update(&source.text).chain_update(if unchecked { "unchecked" } else { "" }).finalize();
    Some(hex(&digest[..8]))
}

/// Runs a pipeline with no workgroups.
async fn run_empty(device: &Device, key: &Key) -> Result<()> {
    let pipeline = device.pipeline(key).await?;
    let buffer = |usage| device.create("nothing", DUMMY, usage);
    let (uniform, storage) = (buffer(wgpu::BufferUsages::UNIFORM), buffer(wgpu::BufferUsages::STORAGE));
    let entries: Vec<_> = pipeline
        .info
        .bindings
        .iter()
        .map(|b| wgpu::BindGroupEntry { binding: b.index, resource: if b.uniform { &uniform } else { &storage }.as_entire_binding() })
        .collect();
    let group = device.raw.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &pipeline.layout, entries: &entries });
    let mut encoder = device.raw.create_command_encoder(&Default::default());
    {
        let mut pass = encoder.begin_compute_pass(&Default::default());
        pass.set_pipeline(&pipeline.raw);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(0, 0, 0);
    }
    device.queue.submit([encoder.finish()]);
    device.wait_async().await
}
