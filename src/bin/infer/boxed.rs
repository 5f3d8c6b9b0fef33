//! The model in the box: `assets/emotion.safetensors`, as it was when the program was built.

use anyhow::{Result, bail};
use emotone::gpu::Device;
use emotone::train::ensemble::Ensemble;
use std::path::Path;
use std::sync::Arc;

/// Where it lies in the sources.
const NAME: &str = "assets/emotion.safetensors";
/// Its bytes; none where there was no such file.
const MODEL: Option<&[u8]> = include!(concat!(env!("OUT_DIR"), "/boxed.rs"));

/// The model in the box, asked in batches.
pub fn load(device: &Arc<Device>, batch: usize) -> Result<Ensemble> {
    match MODEL {
        Some(bytes) => Ok(Ensemble::parse(device, Path::new(NAME), bytes, batch)?),
        None => bail!("there was no {NAME} when this program was built, so it has no model in the box: name one with --model"),
    }
}
