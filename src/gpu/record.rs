//! Recording: launches with their pipelines, parameters and bind groups, ready for replay.

use super::blocking::wait_for;
use super::device::{RecordedLaunch, SPARE_BYTES};
use super::launch::Bound;
use super::pipeline::{Key, Pipeline, compile};
use super::{Device, Launch, Recording, Region, precompile};
use crate::{Error, Result, parallel};
use std::collections::HashSet;
use std::sync::Arc;

impl Device {
    /// Compiles what is new among the pipelines, uploads parameters and builds bind groups for `launches`, in order.
    ///
    /// # Errors
    /// Names the launch and the binding that does not fit the shader's interface.
    pub async fn record_async(&self, launches: &[Launch<Region>]) -> Result<Recording> {
        let align = self.caps().uniform_alignment.max(16) as usize;
        self.compile_all(launches.iter().map(Key::of)).await?;
        let mut block = Vec::new();
        let mut placed = Vec::with_capacity(launches.len());
        for launch in launches {
            let pipeline = self.pipeline(&Key::of(launch)).await?;
            placed.push((launch, pipeline.clone(), block.len() as u64));
            block.extend(launch.check(&pipeline.info)?);
            block.resize(block.len().next_multiple_of(align), 0);
        }
        let scope = self.raw.push_error_scope(wgpu::ErrorFilter::Validation);
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let uniforms = self.create("parameters", block.len().max(align) as u64, usage);
        let recorded = placed.into_iter().map(|(launch, p, offset)| self.prepare(launch, p, &uniforms, offset)).collect::<Result<_>>()?;
        if let Some(e) = scope.pop().await {
            return Err(Error::Gpu(e.to_string()));
        }
        self.queue.write_buffer(&uniforms, 0, &block);
        self.check()?;
        Ok(Recording { launches: recorded })
    }

    fn prepare(&self, launch: &Launch<Region>, pipeline: Arc<Pipeline>, uniforms: &wgpu::Buffer, offset: u64) -> Result<RecordedLaunch> {
        let info = &pipeline.info;
        let mut entries = Vec::with_capacity(info.bindings.len());
        for b in &info.bindings {
            let (buffer, offset, size) = if b.uniform {
                // Within the alignment of blocks, and a size every backend binds.
                (uniforms, offset, u64::from(info.params_size.next_multiple_of(16)))
            } else {
                match launch.operand(&b.name)? {
                    Bound::Operand(r) if r.size > self.caps().max_binding => {
                        return Err(Error::OutOfMemory { needed: r.size, available: self.caps().max_binding, fits_batch: None });
                    }
                    Bound::Operand(r) => (&*r.buffer.raw, r.offset, r.size),
                    Bound::Spare(i) => (self.spare(), i as u64 * self.spare_stride(), SPARE_BYTES),
                }
            };
            entries.push(wgpu::BindGroupEntry {
                binding: b.index,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: std::num::NonZeroU64::new(size) }),
            });
        }
        let group = self.raw.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout: &pipeline.layout, entries: &entries });
        let (groups, work) = (launch.groups(info), launch.flops + 4 * launch.bytes);
        Ok(RecordedLaunch { pipeline, group, groups, work })
    }

    /// The pipeline of `key`, compiled on first use.
    ///
    /// # Errors
    /// Those of [`compile`].
    pub(super) async fn pipeline(&self, key: &Key) -> Result<Arc<Pipeline>> {
        let known = self.pipelines().get(key).cloned();
        match known {
            Some(pipeline) => Ok(pipeline),
            None => Ok(self.keep(key, compile(&self.raw, key, self.caps().unchecked).await?)),
        }
    }

    fn keep(&self, key: &Key, pipeline: Pipeline) -> Arc<Pipeline> {
        let pipeline = Arc::new(pipeline);
        self.pipelines().insert(key.clone(), pipeline.clone());
        pipeline
    }

    /// Compiles those of `wanted` that nobody asked for before, on the threads of the request.
    ///
    /// # Errors
    /// Those of [`compile`], of the first one in order that fails.
    async fn compile_all(&self, wanted: impl Iterator<Item = Key>) -> Result<()> {
        let missing: Vec<Key> = {
            let (known, mut seen) = (self.pipelines(), HashSet::new());
            wanted.filter(|k| !known.contains_key(k) && seen.insert(k.clone())).collect()
        };
        let threads = self.request().threads;
        if threads < 2 {
            for key in &missing {
                self.pipeline(key).await?;
            }
            return Ok(());
        }
        let compiled = parallel::map(threads, missing.len(), |i| wait_for(compile(&self.raw, &missing[i], self.caps().unchecked)));
        for (pipeline, key) in compiled.into_iter().zip(&missing) {
            self.keep(key, pipeline?);
        }
        precompile::new_ones(self, &missing);
        Ok(())
    }
}
