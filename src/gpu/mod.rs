//! The device layer: the only part of the crate that names wgpu.

pub mod adapter;
mod blocking;
pub mod buffer;
pub mod cache;
pub mod device;
mod experimental;
pub mod faults;
pub mod halves;
pub mod launch;
mod line;
mod open;
pub mod params;
pub mod pipeline;
mod precompile;
pub mod readback;
mod record;
pub mod reflect;
pub mod request;
mod self_check;
mod signal;
mod stream;
mod timing;
pub mod wgsl;

pub use adapter::Capabilities;
pub use buffer::{Buffer, Region};
pub use device::{Device, Memory, Recording};
pub use launch::{Grid, Launch, MAX_GROUPS, Shader, fold};
pub use readback::{Readback, Ticket};
pub use request::{AdapterRequest, LimitsChoice};

/// Files of `shaders/common` with their texts, sorted.
const INCLUDES: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/includes.rs"));

/// Shared WGSL under `shaders/common`, by the name used in `//#include <common/NAME.wgsl>`.
pub fn includes(name: &str) -> Option<&'static str> {
    INCLUDES.binary_search_by_key(&name, |(n, _)| n).ok().map(|i| INCLUDES[i].1)
}
