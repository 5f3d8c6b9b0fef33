//! The model in the box as what training starts from: its encoder, and what it knows of classes.

use anyhow::{Result, anyhow};
use emotone::nn::file;
use emotone::train::start::Start;

/// Its bytes, as they were when the program was built; none where there was no file.
const MODEL: Option<&[u8]> = include!(concat!(env!("OUT_DIR"), "/boxed.rs"));

/// Whether there is one.
pub fn is_there() -> bool {
    MODEL.is_some()
}

/// The model, and the recordings it has heard.
pub fn start() -> Result<Start> {
    let bytes =
        MODEL.ok_or_else(|| anyhow!("there was no assets/emotion.safetensors when this program was built; name weights (--weights)"))?;
    let (weights, metadata) = file::parse(bytes).map_err(|e| anyhow!("the model in the box: {e}"))?;
    Ok(Start::of(weights, &metadata))
}
