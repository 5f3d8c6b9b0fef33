//! The models in the box: files of `assets`, as they were when the program was built.

use anyhow::{Result, bail};
use emotone::gpu::Device;
use emotone::train::ensemble::Ensemble;
use std::path::Path;
use std::sync::Arc;

/// Bytes; none where there was no such file.
type Bytes = Option<&'static [u8]>;

const MODEL: Bytes = include!(concat!(env!("OUT_DIR"), "/boxed.rs"));
const SMALL: Bytes = include!(concat!(env!("OUT_DIR"), "/boxed_small.rs"));

/// The model in the box, or the small one, asked in batches.
pub fn load(device: &Arc<Device>, batch: usize, small: bool) -> Result<Ensemble> {
    let (name, bytes) = if small { ("assets/small.safetensors", SMALL) } else { ("assets/emotion.safetensors", MODEL) };
    match bytes {
        Some(bytes) => Ok(Ensemble::parse(device, Path::new(name), bytes, batch)?),
        None => bail!("there was no {name} when this program was built, so it is not in the box: name a model with --model"),
    }
}
