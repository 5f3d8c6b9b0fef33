//! The device layer: the only part of the crate that names wgpu.

pub mod adapter;
pub mod buffer;
pub mod cache;
pub mod device;
mod experimental;
pub mod faults;
pub mod launch;
pub mod pipeline;
mod precompile;
pub mod reflect;
pub mod request;
mod self_check;
mod timing;
pub mod wgsl;

pub use adapter::Capabilities;
pub use buffer::{Buffer, Region};
pub use device::{Device, Memory, Recording};
pub use launch::{Launch, MAX_GROUPS, Shader, fold};
pub use request::{AdapterRequest, LimitsChoice};

/// Shared WGSL under `shaders/common`, by the name used in `//#include <common/NAME.wgsl>`.
pub fn includes(name: &str) -> Option<&'static str> {
    Some(match name {
        "common/bits.wgsl" => include_str!("../../shaders/common/bits.wgsl"),
        "common/conv2d.wgsl" => include_str!("../../shaders/common/conv2d.wgsl"),
        "common/divide.wgsl" => include_str!("../../shaders/common/divide.wgsl"),
        "common/finish.wgsl" => include_str!("../../shaders/common/finish.wgsl"),
        "common/grid.wgsl" => include_str!("../../shaders/common/grid.wgsl"),
        "common/rectified.wgsl" => include_str!("../../shaders/common/rectified.wgsl"),
        "common/lanes1.wgsl" => include_str!("../../shaders/common/lanes1.wgsl"),
        "common/lanes2.wgsl" => include_str!("../../shaders/common/lanes2.wgsl"),
        "common/pair.wgsl" => include_str!("../../shaders/common/pair.wgsl"),
        "common/reduce.wgsl" => include_str!("../../shaders/common/reduce.wgsl"),
        "common/mask1.wgsl" => include_str!("../../shaders/common/mask1.wgsl"),
        "common/mask2.wgsl" => include_str!("../../shaders/common/mask2.wgsl"),
        "common/mask.wgsl" => include_str!("../../shaders/common/mask.wgsl"),
        "common/rows.wgsl" => include_str!("../../shaders/common/rows.wgsl"),
        "common/rng.wgsl" => include_str!("../../shaders/common/rng.wgsl"),
        "common/tile0.wgsl" => include_str!("../../shaders/common/tile0.wgsl"),
        "common/tile8.wgsl" => include_str!("../../shaders/common/tile8.wgsl"),
        "common/tile16.wgsl" => include_str!("../../shaders/common/tile16.wgsl"),
        "common/tile_cooperative.wgsl" => include_str!("../../shaders/common/tile_cooperative.wgsl"),
        "common/winograd.wgsl" => include_str!("../../shaders/common/winograd.wgsl"),
        _ => return None,
    })
}
